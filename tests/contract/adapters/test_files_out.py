"""A file is sent like a text: once, and its outcome tells the truth."""

import pytest

from adapters.emulators.faults import When
from gateway.model.attachment import OutFile
from gateway.model.delivery import Delivered, DeliveryKind, Rejected, RetryAfter, Unknown
from tests.contract.adapters.scene import BYTES, NOTES, PICTURE, PLACES, place, plain


@pytest.fixture
async def adapter(at):
    at.special.files(at.direct)  # skips where a bot can send none
    return at.connect()


@pytest.fixture
def owed(at, tmp_path):
    """A delivery of a file that lies on the disk."""

    def make(file, body="", chat="", thread="", **more):
        path = tmp_path / f"of-the-gateway-{file.name}"
        path.write_bytes(file.content)
        out = OutFile(str(path), file.name, file.mime, len(file.content))
        return at.delivery(body, chat, thread, kind=DeliveryKind.FILE, file=out, **more)

    return make


@pytest.mark.parametrize("file", [NOTES, PICTURE, BYTES], ids=lambda one: one.name)
async def test_a_file_and_its_caption(at, adapter, owed, file):
    sent = await adapter.send(owed(file, "as you asked"))
    (shown,) = at.special.files(at.direct)
    assert sent == Delivered(shown.message)
    assert (shown.content, shown.text) == (file.content, "as you asked")
    if at.special.shows_names or file is not PICTURE:
        assert shown.name == file.name


async def test_a_caption_may_be_missing(at, adapter, owed):
    assert isinstance(await adapter.send(owed(NOTES)), Delivered)
    assert [one.text for one in at.special.files(at.direct)] == [""]


@pytest.mark.parametrize("where", PLACES)
async def test_it_goes_where_it_is_meant_to(at, adapter, owed, where):
    chat, thread = place(at, where)
    assert isinstance(await adapter.send(owed(NOTES, "here", chat, thread)), Delivered)
    assert [(one.text, one.thread) for one in at.special.files(chat)] == [("here", thread)]


async def test_an_empty_file_has_an_outcome(at, adapter, owed):
    """Platforms refuse it or take it; nobody waits for it for ever."""
    empty = type(NOTES)("empty.txt", "text/plain", b"")
    outcome = await adapter.send(owed(empty))
    assert isinstance(outcome, Delivered | Rejected)


@pytest.mark.parametrize("name", ['a "quoted" name.txt', "näme with späces 漢字.txt", "a;b=c.txt", "x" * 120])
async def test_odd_names(at, adapter, owed, tmp_path, name):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    out = OutFile(str(path), name, "text/plain", 7)
    sent = await adapter.send(at.delivery("odd", kind=DeliveryKind.FILE, file=out))
    assert isinstance(sent, Delivered)
    assert [one.content for one in at.special.files(at.direct)] == [b"content"]


async def test_one_that_is_gone_can_never_be_sent(at, adapter, owed, tmp_path):
    delivery = owed(NOTES, "lost")
    (tmp_path / "of-the-gateway-notes.txt").unlink()
    outcome = await adapter.send(delivery)
    assert isinstance(outcome, Rejected)
    assert plain(at, outcome.reason)
    assert str(tmp_path) not in outcome.reason
    assert at.special.files(at.direct) == []


async def test_a_delivery_without_a_file_can_never_be_sent(at, adapter):
    outcome = await adapter.send(at.delivery("nothing", kind=DeliveryKind.FILE))
    assert isinstance(outcome, Rejected)
    assert plain(at, outcome.reason)


@pytest.mark.parametrize("kind", ["500", "drop", "rubbish"])
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_in_doubt_the_outcome_is_unknown_and_nothing_is_repeated(at, adapter, owed, kind, when):
    at.fault(kind, at.special.upload, when)
    outcome = await adapter.send(owed(NOTES))
    assert isinstance(outcome, Unknown)
    assert plain(at, outcome.reason)
    assert len(at.special.files(at.direct)) == (when is When.AFTER)
    assert at.count(at.special.upload) == 1


async def test_a_rate_limit_is_told_exactly(at, adapter, owed):
    at.fault("429", at.special.upload, retry_after=17)
    outcome = await adapter.send(owed(NOTES))
    assert isinstance(outcome, RetryAfter)
    assert outcome.seconds == 17
    assert at.special.files(at.direct) == []
    assert at.clock.slept == []


async def test_a_chat_that_is_shut_is_a_refusal(at, adapter, owed):
    channel = at.channel()
    at.play.shut_out(channel)
    outcome = await adapter.send(owed(NOTES, chat=channel))
    assert isinstance(outcome, Rejected)
    assert plain(at, outcome.reason)


async def test_no_connection_means_certainly_not_sent(at, adapter, owed):
    await at.emulator.stop()
    outcome = await adapter.send(owed(NOTES, attempt=1))
    await at.emulator.start()
    assert isinstance(outcome, RetryAfter)
    assert at.special.files(at.direct) == []


async def test_a_file_and_a_text_follow_each_other(at, adapter, owed):
    first = await adapter.send(at.delivery("the answer"))
    second = await adapter.send(owed(PICTURE, "the picture"))
    assert isinstance(first, Delivered)
    assert isinstance(second, Delivered)
    shown = [one.id for one in at.play.shown(at.direct) if one.from_bot]
    assert shown == [first.message_id, second.message_id]


async def test_the_limit_is_a_number_of_bytes(adapter):
    assert 1_000_000 <= adapter.file_limit <= 2_000_000_000
