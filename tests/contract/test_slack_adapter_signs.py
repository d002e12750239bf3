"""Reactions as receipts, and changes of messages: what Slack is particular about."""

import pytest

from adapters.emulators.faults import When
from adapters.emulators.slack_api import SCOPES
from gateway.model.delivery import Absent, Delivered, DeliveryKind, Receipt, Rejected
from gateway.model.message import Change
from tests.contract.slack_adapter import delivery, setting


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


@pytest.fixture
async def asked(at):
    return at.play.say(at.ann, at.direct, "a question")


def receipt(at, message, which=Receipt.ACCEPTED):
    return delivery(which.value, at.direct, kind=DeliveryKind.RECEIPT, reply_to=message)


def signs(at, message):
    return list(at.emulator.world.message(at.direct, message).reactions)


@pytest.mark.parametrize(
    ("which", "sign"),
    [(Receipt.ACCEPTED, "eyes"), (Receipt.DONE, "white_check_mark"), (Receipt.FAILED, "warning")],
)
async def test_what_is_seen(at, asked, which, sign):
    assert await at.adapter.send(receipt(at, asked, which)) == Delivered("")
    assert signs(at, asked) == [sign]


async def test_there_is_always_a_sign(at, asked):
    await at.adapter.send(receipt(at, asked))
    await at.adapter.send(receipt(at, asked, Receipt.DONE))
    changes = [one.data for one in at.emulator.events.since(0, frozenset({"reaction"}))]
    assert [(one["name"], one["on"]) for one in changes] == [
        ("eyes", True),
        ("white_check_mark", True),
        ("eyes", False),
    ]
    assert at.counts("reactions.add", "reactions.remove") == [2, 1]


async def test_what_a_person_has_put_there_stays(at, asked):
    async with at.another() as control:
        await control.send(receipt(at, asked))
    at.emulator.world.message(at.direct, asked).reactions["eyes"].append(at.ann)
    await at.adapter.send(receipt(at, asked, Receipt.DONE))
    assert at.emulator.world.message(at.direct, asked).reactions["eyes"] == [at.ann]


async def test_a_missing_scope_is_named(at, asked):
    at.emulator.api.scopes = tuple(one for one in SCOPES if one != "reactions:write")
    outcome = await at.adapter.send(receipt(at, asked))
    assert isinstance(outcome, Rejected)
    assert "reactions:write" in outcome.reason


async def test_a_message_that_bears_too_many(at, asked):
    reactions = at.emulator.world.message(at.direct, asked).reactions
    for number in range(23):
        reactions[f"sign{number}"] = [at.emulator.world.bot.id]
    assert await at.adapter.send(receipt(at, asked)) == Rejected(
        "the message bears too many reactions of the bot's"
    )
    for users in reactions.values():
        users[:] = [at.ann]
    for number in range(23, 50):
        reactions[f"sign{number}"] = [at.ann]
    assert await at.adapter.send(receipt(at, asked)) == Rejected("the message bears too many reactions")


async def test_a_message_that_was_taken_back(at, asked):
    at.emulator.people.delete(at.ann, at.direct, asked)
    assert await at.adapter.send(receipt(at, asked)) == Rejected("the message does not exist any more")


async def test_in_doubt_it_may_be_given_again(at, asked):
    assert await at.adapter.reconcile(receipt(at, asked), None) == Absent()
    assert at.emulator.calls.counts == {}


# Changes


async def test_an_edit_moves_no_cursor_and_comes_after_its_message(at):
    async with at.running():
        await at.sink.until_ready()
        ts = at.play.say(at.ann, at.direct, "helo")
        at.emulator.people.edit(at.ann, at.direct, ts, "hello")
        await at.sink.until_texts("helo", "hello")
        assert at.sink.past.known[at.direct] == ts
    assert [one.change for one in at.sink.items] == [Change.NEW, Change.EDITED]


async def test_an_edit_that_is_told_twice_is_one(at):
    async with at.running():
        await at.sink.until_ready()
        ts = at.play.say(at.ann, at.direct, "helo")
        await at.sink.until_texts("helo")
        at.fault("duplicate", method="envelope", when=When.AFTER)
        at.emulator.people.edit(at.ann, at.direct, ts, "hello")
        at.play.say(at.ann, at.direct, "done")
        await at.sink.until_texts("helo", "hello", "done")


async def test_what_is_no_persons_edit_is_acknowledged_and_left_out(at):
    room = at.play.channel(at.ann)
    async with at.running():
        await at.sink.until_ready()
        ts = at.play.say(at.ann, room, "see https://a.example/", mention=True)
        await at.sink.until_texts("see https://a.example/")
        at.emulator.people.unfurl(room, ts)
        sent = await at.adapter.send(delivery("before", room, thread=ts))
        await at.adapter.edit(delivery("after", room, thread=ts), sent.message_id)
        at.play.say(at.ann, room, "done", thread=ts)
        await at.sink.until_heard("done")
    assert {one.change for one in at.sink.items} == {Change.NEW}


@pytest.mark.parametrize("answered", [False, True])
async def test_a_message_that_is_taken_back(at, answered):
    async with at.running():
        await at.sink.until_ready()
        ts = at.play.say(at.ann, at.direct, "never mind")
        if answered:
            await at.adapter.send(delivery("too late", at.direct, thread=ts))
        at.emulator.people.delete(at.ann, at.direct, ts)
        await at.sink.until(lambda sink: any(one.change is Change.DELETED for one in sink.items))
    (item,) = [one for one in at.sink.items if one.change is Change.DELETED]
    assert (item.message_ref, item.author_id, item.text) == (ts, at.ann, "")


async def test_the_bots_own_message_that_is_gone_is_nobodys_change(at):
    async with at.running():
        await at.sink.until_ready()
        sent = await at.adapter.send(delivery("mine", at.direct))
        message = at.emulator.world.message(at.direct, sent.message_id)
        previous, message.deleted = message.as_json(), True
        at.emulator.hearing.deleted(at.emulator.world.channel(at.direct), message, previous)
        at.play.say(at.ann, at.direct, "done")
        await at.sink.until_heard("done")
    assert {one.change for one in at.sink.items} == {Change.NEW}
