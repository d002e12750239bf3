"""A send is made once, and its outcome tells the truth about whether the message may have arrived."""

import asyncio

import pytest

from adapters.emulators.faults import When
from adapters.labels import REPEAT_LABEL
from gateway.model.address import Route
from gateway.model.delivery import Button, Delivered, Rejected, RetryAfter, Unknown
from tests.contract.adapters.scene import TEXTS, plain
from tests.harness.waiting import within

DOUBT = ["500", "502", "drop", "rubbish"]


@pytest.fixture
async def adapter(at):
    """One that only sends: receiving is another matter."""
    return at.connect()


async def test_a_message_is_sent_with_one_request(at, adapter):
    sent = await adapter.send(at.delivery("an answer"))
    (shown,) = [one for one in at.play.shown(at.direct) if one.from_bot]
    assert sent == Delivered(shown.id)
    assert shown.text == "an answer"
    assert sum(at.play.calls.counts.values()) == 1


async def test_it_goes_where_it_is_meant_to(at, adapter):
    channel = at.channel()
    thread = at.thread(channel)
    for text, chat, where in (
        ("private", at.direct, ""),
        ("public", channel, ""),
        ("aside", channel, thread),
    ):
        assert isinstance(await adapter.send(at.delivery(text, chat, where)), Delivered)
    assert at.said() == ["private"]
    assert at.said(channel, "") == ["public"]
    assert at.said(channel, thread) == ["aside"]


@pytest.mark.parametrize("kind", TEXTS)
async def test_every_kind_of_delivery_is_sent_once(at, adapter, kind):
    channel = at.channel()
    thread = at.thread(channel)
    for chat, where in ((at.direct, ""), (channel, ""), (channel, thread)):
        assert isinstance(await adapter.send(at.delivery("words", chat, where, kind=kind)), Delivered)
    assert at.said() == ["words"]
    assert at.said(channel) == ["words", "words"]


async def test_what_it_answers_is_quoted_and_may_be_gone(at, adapter):
    asked = at.say("a question")
    channel = at.channel()
    elsewhere = at.say("elsewhere", channel)
    for quoted in (asked, elsewhere, "99999999999999", "no id at all"):
        assert isinstance(await adapter.send(at.delivery(reply_to=quoted)), Delivered), quoted
    assert at.said() == ["answer"] * 4


async def test_buttons_are_shown(at, adapter):
    labels = [f"Choice {number}" for number in range(5)]
    buttons = tuple(Button(label, f"{label}:{'x' * 50}"[:64]) for label in labels)
    await adapter.send(at.delivery("choose", buttons=buttons))
    (shown,) = [one for one in at.play.shown(at.direct) if one.from_bot]
    assert list(shown.labels) == labels
    assert shown.text == "choose"


async def test_a_doubtful_one_says_so(at, adapter):
    await adapter.send(at.delivery("the answer", doubtful=True))
    (said,) = at.said()
    assert said == REPEAT_LABEL + "the answer"


@pytest.mark.parametrize("kind", DOUBT)
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_in_doubt_the_outcome_is_unknown_and_nothing_is_repeated(at, adapter, kind, when):
    at.fault(kind, when=when)
    outcome = await adapter.send(at.delivery())
    assert isinstance(outcome, Unknown)
    assert plain(at, outcome.reason)
    assert at.said() == ["answer"] * (when is When.AFTER)
    assert at.count() == 1


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_a_connection_that_dies_while_waiting(at, adapter, when):
    fault = at.fault("hang", when=when)
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(adapter.send(at.delivery()))
        await at.held(fault)
        at.play.faults.release()
    assert isinstance(sending.result(), Unknown)
    assert at.said() == ["answer"] * (when is When.AFTER)
    assert at.count() == 1


@pytest.mark.parametrize("kind", TEXTS)
async def test_a_rate_limit_is_told_exactly(at, adapter, kind):
    at.fault("429", retry_after=17)
    outcome = await adapter.send(at.delivery(kind=kind))
    assert isinstance(outcome, RetryAfter)
    assert outcome.seconds == 17
    assert plain(at, outcome.reason)
    assert at.said() == []
    assert at.count() == 1
    assert at.clock.slept == []


async def test_trouble_in_one_chat_is_none_in_another(at, adapter):
    other = at.play.direct(at.play.person("Bob"))
    fault = at.fault("hold", chat=at.direct)
    async with asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(adapter.send(at.delivery("slow")))
        await at.held(fault)
        assert isinstance(await adapter.send(at.delivery("quick", other)), Delivered)
        at.play.faults.release()
    assert isinstance(slow.result(), Delivered)


async def test_the_same_key_is_the_same_message_where_the_platform_says_so(at, adapter):
    delivery = at.delivery()
    at.fault("drop", when=When.AFTER)
    assert isinstance(await adapter.send(delivery), Unknown)
    again = await at.connect().send(delivery)
    shown = [one.id for one in at.play.shown(at.direct) if one.from_bot]
    assert again == Delivered(shown[-1])
    assert len(shown) == (1 if at.manifest.idempotent_send else 2)


async def test_different_keys_are_different_messages(at, adapter):
    sent = [await adapter.send(at.delivery("the same words")) for _ in range(3)]
    assert len({str(one) for one in sent}) == 3
    assert at.said() == ["the same words"] * 3


@pytest.mark.parametrize("private", [True, False])
async def test_a_chat_that_is_shut_is_a_refusal(at, adapter, private):
    chat = at.direct if private else at.channel()
    assert isinstance(await adapter.send(at.delivery("before", chat)), Delivered)
    at.play.shut_out(chat)
    outcome = await adapter.send(at.delivery("after", chat))
    assert isinstance(outcome, Rejected)
    assert plain(at, outcome.reason)
    assert at.said(chat) == ["before"]


async def test_a_chat_that_never_was_is_a_refusal(at, adapter):
    nowhere = at.direct.translate(str.maketrans("123456789", "987654321"))
    assert nowhere != at.direct
    outcome = await adapter.send(at.delivery(chat=nowhere))
    assert isinstance(outcome, Rejected)
    assert plain(at, outcome.reason)


async def test_no_connection_means_certainly_not_sent(at, adapter):
    await at.emulator.stop()
    first = await adapter.send(at.delivery(attempt=1))
    later = await adapter.send(at.delivery(attempt=40))
    await at.emulator.start()
    assert isinstance(first, RetryAfter)
    assert isinstance(later, RetryAfter)
    assert 0 < first.seconds < later.seconds <= 120
    assert plain(at, first.reason)
    assert isinstance(await adapter.send(at.delivery()), Delivered)


async def test_typing_is_shown(at, adapter):
    channel = at.channel()
    thread = at.thread(channel)
    await adapter.typing(Route(at.account, channel, thread))
    actions = at.play.events.since(0, frozenset({"action"}))
    assert [str(one.data["chat"]) for one in actions] == [channel]


@pytest.mark.parametrize("kind", ["429", *DOUBT])
async def test_typing_fails_in_silence(at, adapter, kind):
    channel = at.channel()
    route = Route(at.account, channel, at.thread(channel))
    at.fault(kind, at.play.methods.typing)
    await adapter.typing(route)
    assert at.count(at.play.methods.typing) == 1
    await at.emulator.stop()
    await within(adapter.typing(route), "typing without a connection")
    assert at.clock.slept == []


async def test_limits_that_are_off_make_nobody_wait(at, adapter):
    for _ in range(100):
        await within(adapter.pace(Route(at.account, at.direct)), "a pace that is off")
