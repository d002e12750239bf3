"""A message that is known is made to read as the ledger says, however often and whatever it was."""

import pytest

from adapters.emulators.control import ControlError
from adapters.emulators.faults import When
from gateway.model.address import Route
from gateway.model.delivery import Button, Delivered, DeliveryKind, Rejected, RetryAfter, Unknown
from tests.contract.adapters.scene import PLACES, place, send

STREAM = DeliveryKind.STREAM


@pytest.mark.parametrize("where", PLACES)
async def test_editing_twice_is_editing_once(at, where):
    adapter, (chat, thread) = at.connect(), place(at, where)
    sent = await send(adapter, at.delivery("before", chat, thread))
    for _ in range(2):
        assert await adapter.edit(at.delivery("after", chat, thread), sent.message_id) == sent
    assert at.said(chat) == ["after"]


@pytest.mark.parametrize("where", PLACES)
async def test_another_process_can_edit_it(at, where):
    chat, thread = place(at, where)
    sent = await send(at.connect(), at.delivery("before", chat, thread, kind=STREAM))
    assert await at.connect().edit(at.delivery("after", chat, thread), sent.message_id) == sent
    assert at.said(chat) == ["after"]


@pytest.mark.parametrize("where", PLACES)
async def test_an_answer_grows_and_ends_as_one_message(at, where):
    chat, thread = place(at, where)
    async with at.life() as adapter:
        at.say("tell me", chat, thread=thread, mention=chat != at.direct)
        await at.sink.until_heard("tell me")
        sent = await send(adapter, at.delivery("Once", chat, thread, kind=STREAM))
        for text in ("Once upon", "Once upon a time", "Once upon a time", "Twice"):
            assert await adapter.amend(Route(at.account, chat, thread), sent.message_id, text) == sent
        for _ in range(2):
            assert await adapter.edit(at.delivery("The end.", chat, thread), sent.message_id) == sent
    assert at.said(chat) == ["The end."]


async def test_growth_is_seen(at):
    adapter = at.connect()
    sent = await send(adapter, at.delivery("one", kind=STREAM))
    await adapter.amend(Route(at.account, at.direct), sent.message_id, "one two")
    assert at.said() == ["one two"]


async def test_buttons_come_and_go(at):
    adapter = at.connect()
    sent = await send(adapter, at.delivery("sure?", buttons=(Button("Yes", "yes"),)))
    assert await adapter.edit(at.delivery("settled"), sent.message_id) == sent
    assert [one.labels for one in at.play.shown(at.direct)] == [()]
    with pytest.raises(ControlError):
        at.play.press(at.ann, at.direct, sent.message_id, "Yes")
    assert await adapter.edit(at.delivery("?", buttons=(Button("No", "no"),)), sent.message_id) == sent
    assert [one.labels for one in at.play.shown(at.direct)] == [("No",)]


async def test_another_ones_message_can_never_be_changed(at):
    adapter = at.connect()
    await send(adapter, at.delivery("mine"))
    hers = at.say("hers")
    outcome = await adapter.edit(at.delivery("changed"), hers)
    assert isinstance(outcome, Rejected)
    assert outcome.reason
    assert [one.text for one in at.play.shown(at.direct)] == ["mine", "hers"]


async def test_a_message_that_is_not_there_can_never_be_changed(at):
    adapter, channel = at.connect(), at.channel()
    sent = [await send(adapter, at.delivery(str(number), channel)) for number in range(5)]
    outcome = await adapter.edit(at.delivery("changed"), sent[-1].message_id)
    assert isinstance(outcome, Rejected)
    assert at.said() == []


async def test_a_chat_that_is_shut_lets_nothing_be_changed(at):
    adapter, channel = at.connect(), at.channel()
    sent = await send(adapter, at.delivery("before", channel))
    at.play.shut_out(channel)
    outcome = await adapter.edit(at.delivery("after", channel), sent.message_id)
    assert isinstance(outcome, Rejected)
    assert at.said(channel) == ["before"]


@pytest.mark.parametrize("kind", ["500", "502", "drop", "rubbish"])
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_in_doubt_it_is_edited_again(at, kind, when):
    adapter = at.connect()
    sent = await send(adapter, at.delivery("before"))
    at.fault(kind, at.play.methods.edit, when)
    assert isinstance(await adapter.edit(at.delivery("after"), sent.message_id), Unknown)
    assert at.said() == ["before" if when is When.BEFORE else "after"]
    assert at.count(at.play.methods.edit) == 1
    assert await adapter.edit(at.delivery("after"), sent.message_id) == sent
    assert at.said() == ["after"]


async def test_a_rate_limit_is_told_exactly(at):
    adapter = at.connect()
    sent = await send(adapter, at.delivery("before"))
    at.fault("429", at.play.methods.edit, retry_after=13)
    outcome = await adapter.edit(at.delivery("after"), sent.message_id)
    assert isinstance(outcome, RetryAfter)
    assert outcome.seconds == 13
    assert at.clock.slept == []


async def test_growing_steps_back_when_asked_to_slow_down(at):
    """It does not wait, nor ask again before the time is over."""
    adapter, route = at.connect(), Route(at.account, at.direct)
    sent = await send(adapter, at.delivery("one", kind=STREAM))
    at.fault("429", at.play.methods.edit, retry_after=13)
    for _ in range(3):
        outcome = await adapter.amend(route, sent.message_id, "one two")
        assert isinstance(outcome, RetryAfter)
        assert 12 < outcome.seconds <= 13
    assert at.count(at.play.methods.edit) == 1
    assert at.clock.slept == []
    await at.clock.sleep(13)
    assert await adapter.amend(route, sent.message_id, "one two") == sent


@pytest.mark.parametrize("kind", ["500", "drop", "rubbish"])
async def test_a_step_of_growth_may_be_lost(at, kind):
    adapter, route = at.connect(), Route(at.account, at.direct)
    sent = await send(adapter, at.delivery("one", kind=STREAM))
    at.fault(kind, at.play.methods.edit)
    assert not isinstance(await adapter.amend(route, sent.message_id, "one two"), Delivered | Rejected)
    assert await adapter.edit(at.delivery("one two three"), sent.message_id) == sent
    assert at.said() == ["one two three"]


async def test_no_connection_means_certainly_not_changed(at):
    adapter = at.connect()
    sent = await send(adapter, at.delivery("before"))
    await at.emulator.stop()
    await adapter.edit(at.delivery("after"), sent.message_id)  # over a connection that broke: in doubt
    assert isinstance(await adapter.edit(at.delivery("after"), sent.message_id), RetryAfter)
    assert isinstance(await adapter.amend(Route(at.account, at.direct), sent.message_id, "x"), RetryAfter)
    assert at.said() == ["before"]
