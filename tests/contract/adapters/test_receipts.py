"""A person's message bears one sign of the bot's, which tells how far it has come."""

import pytest

from gateway.model.delivery import Delivered, DeliveryKind, Receipt, Rejected, RetryAfter
from tests.contract.adapters.scene import PLACES, place, plain


def receipt(at, message, which=Receipt.ACCEPTED, chat="", thread=""):
    return at.delivery(which.value, chat, thread, kind=DeliveryKind.RECEIPT, reply_to=message)


@pytest.fixture
async def asked(at):
    message = at.say("a question")
    at.special.signs(at.direct, message)  # skips where there are none
    return message


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("which", list(Receipt))
async def test_each_is_shown(at, asked, where, which):
    chat, thread = place(at, where)
    message = at.say("here", chat, thread=thread)
    assert await at.connect().send(receipt(at, message, which, chat, thread)) == Delivered("")
    assert len(at.special.signs(chat, message)) == 1
    assert at.special.signs(at.direct, asked) == []
    assert at.said(chat) == []


async def test_they_differ(at, asked):
    adapter, seen = at.connect(), set()
    for which in Receipt:
        assert await adapter.send(receipt(at, asked, which)) == Delivered("")
        seen.update(at.special.signs(at.direct, asked))
    assert len(seen) == len(Receipt)


async def test_a_later_one_takes_the_place_of_an_earlier_one(at, asked):
    """Also of one that another process gave."""
    for which in Receipt:
        assert await at.connect().send(receipt(at, asked, which)) == Delivered("")
        assert len(at.special.signs(at.direct, asked)) == 1


@pytest.mark.parametrize("which", list(Receipt))
async def test_giving_it_twice_is_giving_it_once(at, asked, which):
    adapter = at.connect()
    for _ in range(2):
        assert await adapter.send(receipt(at, asked, which)) == Delivered("")
    assert len(at.special.signs(at.direct, asked)) == 1


@pytest.mark.parametrize("gone", ["", "99999999999999", "no id at all"])
async def test_what_is_not_there_gets_none(at, asked, gone):
    outcome = await at.connect().send(receipt(at, gone))
    assert isinstance(outcome, Rejected)
    assert plain(at, outcome.reason)


async def test_a_body_that_means_nothing(at, asked):
    outcome = await at.connect().send(at.delivery("what is this", kind=DeliveryKind.RECEIPT, reply_to=asked))
    assert isinstance(outcome, Rejected)
    assert at.special.signs(at.direct, asked) == []


async def test_a_chat_that_is_shut_is_a_refusal(at, asked):
    channel = at.channel()
    message = at.say("here", channel)
    at.play.shut_out(channel)
    assert isinstance(await at.connect().send(receipt(at, message, chat=channel)), Rejected)


async def test_a_rate_limit_is_told_exactly(at, asked):
    at.fault("429", at.special.react, retry_after=7)
    outcome = await at.connect().send(receipt(at, asked))
    assert isinstance(outcome, RetryAfter)
    assert outcome.seconds == 7


@pytest.mark.parametrize("kind", ["500", "drop", "rubbish"])
async def test_in_doubt_it_is_given_again(at, asked, kind):
    adapter = at.connect()
    at.fault(kind, at.special.react)
    assert not isinstance(await adapter.send(receipt(at, asked)), Rejected)
    assert await adapter.send(receipt(at, asked)) == Delivered("")
    assert len(at.special.signs(at.direct, asked)) == 1
