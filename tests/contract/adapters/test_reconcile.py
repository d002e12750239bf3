"""A send in doubt is asked about, and the answer is the truth; asking never sends."""

import asyncio

import pytest

from adapters.emulators.faults import When
from gateway.model.delivery import Absent, Delivered, DeliveryKind, Rejected, RetryAfter, Unknown
from tests.contract.adapters.scene import LONG_AGO, PLACES, needs_history, place, send

pytestmark = pytest.mark.parametrize("kind", [DeliveryKind.REPLY, DeliveryKind.STREAM])


def claimed(at, body, chat="", thread="", **more):
    """A delivery whose first attempt can no longer take effect."""
    return at.delivery(body, chat, thread, claimed_at=at.clock.now() - LONG_AGO, **more)


async def ask(at, delivery, after=None):
    """As the next process does: with an adapter that has received nothing yet. It sends nothing."""
    shown = at.play.shown(delivery.route.chat)
    found = await at.connect().reconcile(delivery, after)
    assert at.play.shown(delivery.route.chat) == shown
    return found


async def in_doubt(at, delivery, when):
    """Break the connection at every request that could make a message."""
    at.fault("drop", "*", when, text=delivery.body)
    assert isinstance(await at.connect().send(delivery), Unknown)


@pytest.mark.parametrize("where", PLACES)
async def test_it_arrived(at, kind, where):
    chat, thread = place(at, where)
    delivery = claimed(at, "the answer", chat, thread, kind=kind)
    await in_doubt(at, delivery, When.AFTER)
    (shown,) = [one for one in at.play.shown(chat) if one.from_bot]
    found = await ask(at, delivery)
    assert found == Delivered(shown.id) if at.reads_back else isinstance(found, Unknown)


@pytest.mark.parametrize("where", PLACES)
async def test_it_did_not_arrive(at, kind, where):
    chat, thread = place(at, where)
    at.say("something else", chat, thread=thread)
    delivery = claimed(at, "the answer", chat, thread, kind=kind)
    await in_doubt(at, delivery, When.BEFORE)
    found = await ask(at, delivery)
    assert found == Absent() if at.reads_back else isinstance(found, Unknown)
    assert at.said(chat) == []


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_the_same_words_before_it_are_not_it(at, kind, where, when):
    needs_history(at)
    chat, thread = place(at, where)
    adapter = at.connect()
    await send(adapter, at.delivery("Done.", chat, thread, kind=kind))
    earlier = await send(adapter, at.delivery("Done.", chat, thread))
    delivery = claimed(at, "Done.", chat, thread, kind=kind)
    await in_doubt(at, delivery, when)
    last = [one for one in at.play.shown(chat) if one.from_bot][-1]
    found = await ask(at, delivery, earlier.message_id)
    assert found == (Delivered(last.id) if when is When.AFTER else Absent())


async def test_other_words_before_it_are_not_it(at, kind):
    """Even if nobody remembers that they were sent."""
    needs_history(at)
    await send(at.connect(), at.delivery("something else"))
    delivery = claimed(at, "the answer", kind=kind)
    await in_doubt(at, delivery, When.BEFORE)
    assert await ask(at, delivery) == Absent()


async def test_the_same_words_of_another_one_are_not_it(at, kind):
    needs_history(at)
    delivery = claimed(at, "Done.", kind=kind)
    await in_doubt(at, delivery, When.BEFORE)
    at.say("Done.")
    assert await ask(at, delivery) == Absent()


async def test_it_is_found_among_much_else(at, kind):
    needs_history(at)
    first = await send(at.connect(), at.delivery("known"))
    delivery = claimed(at, "the answer", kind=kind)
    await in_doubt(at, delivery, When.AFTER)
    shown = [one for one in at.play.shown(at.direct) if one.from_bot][-1]
    for number in range(250):
        at.say(f"message {number}")
    assert await ask(at, delivery, first.message_id) == Delivered(shown.id)


async def test_a_request_that_takes_effect_after_its_sender_died(at, kind):
    """A slow platform does what it was asked to between the first look and the last."""
    needs_history(at)
    delivery = at.delivery("the answer", kind=kind, claimed_at=at.clock.now())
    seen = at.play.events.seq
    at.fault("delay", "*", text="the answer", seconds=0.3)
    sending = asyncio.create_task(at.connect().send(delivery))
    await at.play.events.event("fault", after=seen)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)

    async def the_effect():
        await at.play.events.event("message", {"from_bot": True}, after=seen)

    at.clock.meanwhile = the_effect
    found = await ask_later(at, delivery)
    (shown,) = [one for one in at.play.shown(at.direct) if one.from_bot]
    assert found == Delivered(shown.id)


async def ask_later(at, delivery):
    """A question during which the world may change."""
    return await at.connect().reconcile(delivery, None)


@pytest.mark.parametrize("trouble", ["429", "500", "502", "drop", "rubbish"])
async def test_what_cannot_be_asked_now_is_asked_later(at, kind, trouble):
    needs_history(at)
    delivery = claimed(at, "the answer", kind=kind)
    await in_doubt(at, delivery, When.AFTER)
    # A question may be repeated, and HTTP does that by itself where an old connection breaks.
    at.fault(trouble, at.play.methods.history, times=1 + (trouble == "drop"), retry_after=19)
    found = await ask(at, delivery)
    assert isinstance(found, RetryAfter)
    assert found.seconds == 19 if trouble == "429" else 0 < found.seconds <= 120
    assert isinstance(await ask(at, delivery), Delivered)


async def test_without_a_connection_nothing_is_concluded(at, kind):
    delivery = claimed(at, "the answer", kind=kind)
    await in_doubt(at, delivery, When.AFTER)
    await at.emulator.stop()
    found = await ask(at, delivery)
    assert isinstance(found, RetryAfter if at.reads_back else Unknown)


async def test_a_chat_that_is_shut_never_gets_it(at, kind):
    """Whatever the question says, the message is not believed to have arrived, nor asked about for ever."""
    needs_history(at)
    channel = at.channel()
    delivery = claimed(at, "the answer", channel, kind=kind)
    await in_doubt(at, delivery, When.BEFORE)
    at.play.shut_out(channel)
    assert isinstance(await ask(at, delivery), Absent | Rejected)
    assert isinstance(await at.connect().send(delivery), Rejected)


async def test_it_may_be_edited_as_soon_as_it_is_found(at, kind):
    needs_history(at)
    delivery = claimed(at, "the beginning", kind=kind)
    await in_doubt(at, delivery, When.AFTER)
    found = await ask(at, delivery)
    assert isinstance(found, Delivered)
    assert await at.connect().edit(at.delivery("the end"), found.message_id) == found
    assert at.said() == ["the end"]
