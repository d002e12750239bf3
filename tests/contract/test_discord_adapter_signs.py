"""Receipts: reactions where the message stands, one at a time."""

import pytest

from adapters.discord.signs import SIGNS
from adapters.emulators.discord_limits import Limits
from gateway.model.delivery import Absent, Delivered, DeliveryKind, Receipt, Rejected, RetryAfter
from tests.contract.discord_adapter import delivery, setting


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


def receipt(chat, message, which=Receipt.ACCEPTED, thread="", **more):
    kind = DeliveryKind.RECEIPT
    return delivery(chat, which.value, thread, kind=kind, reply_to=message, **more)


def reactions(at, channel, message):
    found = at.emulator.world.channel(int(channel)).messages[int(message)].reactions
    return [emoji for emoji, users in found.items() if at.emulator.world.bot.id in users]


@pytest.mark.parametrize("opened", [False, True])
async def test_the_message_of_a_thread_stands_in_the_channel(at, opened):
    channel = at.channel()
    said = at.say("question", channel, mention=True)
    if opened:
        await at.adapter.send(delivery(channel, thread=said))
    assert await at.adapter.send(receipt(channel, said, thread=said)) == Delivered("")
    assert reactions(at, channel, said) == ["👀"]


async def test_one_within_the_thread(at):
    channel = at.channel()
    thread = at.thread(channel)
    said = at.say("question", channel, thread=thread)
    assert await at.adapter.send(receipt(channel, said, thread=thread)) == Delivered("")
    assert reactions(at, thread, said) == ["👀"]


async def test_what_other_people_put_there_stays(at):
    said = at.say("question")
    at.emulator.people.react(int(at.ann), int(at.direct), int(said), SIGNS[Receipt.ACCEPTED])
    for which in (Receipt.ACCEPTED, Receipt.FAILED, Receipt.DONE):
        await at.adapter.send(receipt(at.direct, said, which))
    assert reactions(at, at.direct, said) == [SIGNS[Receipt.DONE]]
    message = at.emulator.world.channel(int(at.direct)).messages[int(said)]
    assert message.reactions[SIGNS[Receipt.ACCEPTED]] == {int(at.ann)}


async def test_only_what_is_there_is_taken_away(at):
    said = at.say("question")
    for which in (Receipt.ACCEPTED, Receipt.DONE, Receipt.DONE):
        await at.adapter.send(receipt(at.direct, said, which))
    assert (at.count("createReaction"), at.count("deleteReaction")) == (3, 1)


async def test_refusals_in_plain_words(at):
    channel = at.channel()
    said, blocked = at.say("question", channel), at.say("question")
    at.emulator.people.permit(int(channel), react=False)
    at.emulator.people.permit(int(at.direct), send=False)
    found = {
        (channel, said): "the bot may not add reactions there (Discord 50013)",
        (at.direct, blocked): "somebody who blocked the bot gets no reactions from it (Discord 90001)",
        (at.direct, "5"): "the message is gone (Discord 10008)",
    }
    for (chat, message), why in found.items():
        assert await at.adapter.send(receipt(chat, message)) == Rejected(why)


async def test_half_a_change_is_made_whole(at):
    said = at.say("question")
    await at.adapter.send(receipt(at.direct, said))
    at.fault("429", "deleteReaction", retry_after=3)
    done = receipt(at.direct, said, Receipt.DONE)
    assert await at.adapter.send(done) == RetryAfter(3, "Discord asks to slow down")
    assert await at.adapter.reconcile(done, None) == Absent()
    assert await at.adapter.send(done) == Delivered("")
    assert reactions(at, at.direct, said) == [SIGNS[Receipt.DONE]]


async def test_receipts_keep_to_their_own_pace():
    async with setting(rate_limits="platform", limits=Limits()) as at:
        said = at.say("question")
        for which in Receipt:
            assert await at.adapter.send(receipt(at.direct, said, which)) == Delivered("")
        assert {call.status for call in at.calls("createReaction") + at.calls("deleteReaction")} == {204}
