"""What is shown while an answer grows: its words, what the agent is doing, or a draft."""

import pytest

from gateway.model.address import Route
from gateway.model.delivery import Delivered, DeliveryKind, Rejected, RetryAfter
from tests.contract.adapters.scene import PLACES, place, send

STREAM = DeliveryKind.STREAM
DOING = "Reading notes.txt\nRunning the tests"


@pytest.mark.parametrize("where", PLACES)
async def test_progress_is_seen_with_the_words(at, where):
    chat, thread = place(at, where)
    async with at.life() as adapter:
        at.say("tell me", chat, thread=thread, mention=chat != at.direct)
        await at.sink.until_heard("tell me")
        sent = await send(adapter, at.delivery("Once", chat, thread, kind=STREAM))
        route = Route(at.account, chat, thread)
        assert isinstance(await adapter.amend(route, sent.message_id, "Once upon", DOING), Delivered)
        assert "Once upon" in at.said(chat)[-1]
        seen = at.special.progress(chat, sent.message_id, thread)
        assert "Reading notes.txt" in seen
        assert "Running the tests" in seen


async def test_progress_ends_with_the_answer(at):
    async with at.life() as adapter:
        at.say("tell me")
        await at.sink.until_heard("tell me")
        sent = await send(adapter, at.delivery("Once", kind=STREAM))
        await adapter.amend(Route(at.account, at.direct), sent.message_id, "Once upon", DOING)
        assert await adapter.edit(at.delivery("Once upon a time."), sent.message_id) == sent
    assert at.said() == ["Once upon a time."]


async def test_progress_gives_way_to_the_words(at):
    """A text that fits is shown, whether or not there is room for more."""
    adapter = at.connect()
    sent = await send(adapter, at.delivery("x", kind=STREAM))
    longest = "x" * adapter.text_limit
    doing = "Reading notes.txt\n" * 60
    assert await adapter.amend(Route(at.account, at.direct), sent.message_id, longest, doing) == sent
    assert at.said()[-1].startswith(longest)


async def test_progress_goes_through_what_the_words_go_through(at):
    """Names in it are names, not markup, as far as one can see."""
    adapter = at.connect()
    sent = await send(adapter, at.delivery("Once", kind=STREAM))
    await adapter.amend(Route(at.account, at.direct), sent.message_id, "Once upon", "Editing src/main.py")
    assert "src/main.py" in at.special.progress(at.direct, sent.message_id)


# Drafts


@pytest.fixture
async def drafting(at):
    """An adapter that can show drafts in the direct chat."""
    adapter = at.connect()
    if not adapter.drafts(Route(at.account, at.direct)):
        pytest.skip(f"{at.platform} shows no drafts")
    return adapter


@pytest.mark.parametrize("where", PLACES)
async def test_whether_there_are_drafts_is_told_without_asking(at, where):
    chat, thread = place(at, where)
    assert at.connect().drafts(Route(at.account, chat, thread)) in {True, False}
    assert at.play.calls.counts == {}


async def test_a_draft_is_shown_and_changes(at, drafting):
    route = Route(at.account, at.direct)
    assert isinstance(await drafting.draft(route, 1, "Once"), Delivered)
    assert at.special.drafts(at.direct) == ["Once"]
    assert isinstance(await drafting.draft(route, 1, "Once upon", DOING), Delivered)
    (shown,) = at.special.drafts(at.direct)
    assert shown.startswith("Once upon")
    assert "Reading notes.txt" in shown
    assert at.said() == []


async def test_a_draft_may_have_no_words_yet(at, drafting):
    assert isinstance(await drafting.draft(Route(at.account, at.direct), 1, "", DOING), Delivered)
    (shown,) = at.special.drafts(at.direct)
    assert "Running the tests" in shown


async def test_a_message_takes_the_place_of_a_draft(at, drafting):
    await drafting.draft(Route(at.account, at.direct), 1, "Once")
    await send(drafting, at.delivery("Once upon a time."))
    assert at.special.drafts(at.direct) == []
    assert at.said() == ["Once upon a time."]


@pytest.mark.parametrize("kind", ["429", "500", "drop", "rubbish"])
async def test_a_draft_may_be_lost(at, drafting, kind):
    at.fault(kind, "*")
    outcome = await drafting.draft(Route(at.account, at.direct), 1, "Once")
    assert not isinstance(outcome, Delivered | Rejected)
    if kind == "429":
        assert isinstance(outcome, RetryAfter)
    assert at.clock.slept == []
    assert drafting.drafts(Route(at.account, at.direct))
