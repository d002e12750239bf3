"""The adapter is dropped at each point where something hangs in the balance; the next one sets it right.

What stands in for the gateway is as small as can be: the sink remembers, and a delivery that was claimed is
asked about before it is sent again, as the outbox does.
"""

import asyncio
from dataclasses import replace

import pytest

from adapters.emulators.faults import When
from adapters.labels import REPEAT_LABEL
from gateway.model.delivery import Absent, Delivered, DeliveryKind, Unknown
from tests.contract.adapters.scene import LONG_AGO, PLACES, place


async def recover(at, delivery):
    """What the next process does with a delivery that it finds claimed; the id of its message."""
    async with at.life() as adapter:
        found = await adapter.reconcile(delivery, None)
        if isinstance(found, Absent):
            found = await adapter.send(delivery)
        elif isinstance(found, Unknown):
            found = await adapter.send(replace(delivery, doubtful=True))
        assert isinstance(found, Delivered)
        return found.message_id


def settled(at, chat, message_id, *, arrived):
    """There is one message; or where nobody can be asked, a second one that says what it may be."""
    said = at.said(chat)
    if at.reads_back:
        assert said == ["the answer"]
    else:
        assert said == ["the answer"] * arrived + [REPEAT_LABEL + "the answer"]
    assert [one.id for one in at.play.shown(chat) if one.from_bot][-1] == message_id


@pytest.mark.parametrize("kind", [DeliveryKind.REPLY, DeliveryKind.STREAM])
@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_killed_in_the_middle_of_a_send(at, where, when, kind):
    chat, thread = place(at, where)
    delivery = at.delivery("the answer", chat, thread, kind=kind, claimed_at=at.clock.now() - LONG_AGO)
    fault = at.fault("hold", "*", when, text="the answer")
    async with at.life() as adapter:
        sending = asyncio.create_task(adapter.send(delivery))
        await at.held(fault)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    await at.play.events.event("answered", {"outcome": "gone"})
    message_id = await recover(at, delivery)
    settled(at, chat, message_id, arrived=when is When.AFTER)


async def test_killed_before_a_send(at):
    delivery = at.delivery("the answer", claimed_at=at.clock.now() - LONG_AGO)
    async with at.life():
        pass
    settled(at, at.direct, await recover(at, delivery), arrived=False)


@pytest.mark.parametrize("where", PLACES)
async def test_killed_before_a_commit_and_after_it(at, where):
    """Life after life dies with one message offered and uncommitted, or committed and unacknowledged."""
    chat, thread = place(at, where)

    def say(text):
        at.say(text, chat, thread=thread, mention=chat != at.direct)

    async with at.life():
        say("known")
        await at.sink.until_heard("known")
    for number in range(3):
        at.sink.before_commit = asyncio.Event()
        at.sink.held = f"before {number}"
        async with at.life():
            say(f"before {number}")
            await at.sink.until(lambda sink, n=number: f"before {n}" in _offered(sink))
        at.sink.before_commit = None
        at.sink.after_commit = asyncio.Event()
        async with at.life(ready=False):
            say(f"after {number}")
            await at.sink.until(lambda sink, n=number: f"before {n}" in sink.heard_in(chat))
        at.sink.after_commit = None
    async with at.life():
        pass
    expected = [f"{when} {number}" for number in range(3) for when in ("before", "after")]
    assert at.sink.heard_in(chat) == ["known", *expected]


@pytest.mark.parametrize("where", PLACES)
async def test_killed_while_an_answer_grows(at, where):
    """The next process knows the message's id and no more; its edit is the end of it."""
    chat, thread = place(at, where)
    async with at.life() as adapter:
        at.say("go on", chat, thread=thread, mention=chat != at.direct)
        await at.sink.until_heard("go on")
        sent = await adapter.send(at.delivery("Once", chat, thread, kind=DeliveryKind.STREAM))
        assert isinstance(sent, Delivered)
        await adapter.amend(at.delivery("", chat, thread).route, sent.message_id, "Once upon")
    async with at.life() as adapter:
        assert await adapter.edit(at.delivery("Once upon a time.", chat, thread), sent.message_id) == sent
    assert at.said(chat) == ["Once upon a time."]


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_killed_while_it_connects(at, when):
    async with at.life():
        at.say("known")
        await at.sink.until_heard("known")
    at.say("missed")
    for _ in range(3):
        fault = at.fault("hold", at.play.methods.receive, when)
        async with at.life(ready=False):
            await at.held(fault)
    async with at.life():
        pass
    assert at.sink.heard_in(at.direct) == ["known", "missed"]


def _offered(sink):
    return [item.text for batch in sink.offered for item in batch.items]
