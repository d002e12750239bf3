"""What was said while no gateway ran is found at the next connect: all of it, once, in order."""

import asyncio

import pytest

from adapters.emulators.faults import When
from gateway.model.delivery import Delivered
from tests.contract.adapters.scene import PLACES, needs_history, place


class Spot:
    """A place to talk in."""

    def __init__(self, at, where):
        self._at = at
        self.chat, self.thread = place(at, where)
        self._mention = where != "direct"

    def say(self, *texts):
        return [self._at.say(text, self.chat, thread=self.thread, mention=self._mention) for text in texts]

    async def known(self):
        """The bot has been spoken to here once, in a life of its own."""
        async with self._at.life():
            self.say("known")
            await self._at.sink.until(lambda sink: "known" in sink.heard_in(self.chat))

    @property
    def heard(self):
        return self._at.sink.heard_in(self.chat)


@pytest.mark.parametrize("where", PLACES)
async def test_what_was_missed_is_found_before_ready(at, where):
    spot = Spot(at, where)
    await spot.known()
    refs = spot.say("one", "two", "three")
    async with at.life():
        assert spot.heard == ["known", "one", "two", "three"]
        spot.say("four")
        await at.sink.until_heard("four")
    assert spot.heard == ["known", "one", "two", "three", "four"]
    missed = [item for item in at.sink.heard if item.message_ref in refs and item.chat == spot.chat]
    assert [item.backfilled for item in missed] == [at.reads_back] * 3
    assert not at.sink.heard[-1].backfilled
    assert {item.author_id for item in missed} == {at.ann}
    assert {item.author_name for item in missed} == {"Ann"}


@pytest.mark.parametrize("where", PLACES)
async def test_read_back_it_is_the_same_event(at, where):
    """One life hears it live and dies before it is committed; the next one reads it back."""
    spot = Spot(at, where)
    await spot.known()
    async with at.life():
        at.sink.before_commit = asyncio.Event()
        spot.say("/now what?")
        await at.sink.until(lambda sink: [item for item in _offered(sink) if item.command])
    live = next(item for item in _offered(at.sink) if item.command)
    at.sink.before_commit = None
    async with at.life():
        pass
    again = at.sink.heard[-1]
    assert (again.text, again.command) == ("what?", "now")
    for name in ("event_id", "chat", "thread", "author_id", "message_ref", "to_bot", "chat_kind"):
        assert getattr(again, name) == getattr(live, name), name
    assert abs(again.sent_at - live.sent_at) < 1


async def test_many_places_many_messages(at):
    spots = [Spot(at, where) for where in PLACES * 2]
    people = [at.play.person(f"Person {number}") for number in range(5)]
    async with at.life():
        for spot in spots:
            spot.say("known")
        for person in people:
            at.play.say(person, at.play.direct(person), "known")
        known = len({(spot.chat, spot.thread) for spot in spots}) + 1 + len(people)
        await at.sink.until(lambda sink: len(sink.meant) == known)
    for number in range(12):
        for spot in spots[1:]:
            spot.say(f"message {number}")
        for person in people:
            at.play.say(person, at.play.direct(person), f"message {number}")
    async with at.life():
        pass
    expected = ["known", *(f"message {number}" for number in range(12))]
    for spot in spots[1:3]:
        assert spot.heard == expected
    for person in people:
        assert at.sink.heard_in(at.play.direct(person)) == expected


async def test_several_pages(at):
    spot = Spot(at, "channel")
    await spot.known()
    spot.say(*(f"message {number}" for number in range(450)))
    async with at.life():
        assert spot.heard == ["known", *(f"message {number}" for number in range(450))]


async def test_lives_that_follow_each_other(at):
    spots = [Spot(at, where) for where in PLACES]
    await spots[0].known()
    for number in range(4):
        for spot in spots:
            spot.say(f"message {number}")
        async with at.life():
            pass
    expected = [f"message {number}" for number in range(4)]
    assert spots[0].heard == ["known", *expected]
    assert [spot.heard for spot in spots[1:]] == [expected, expected]


async def test_nothing_missed_is_nothing_new(at):
    spot = Spot(at, "channel")
    await spot.known()
    for _ in range(2):
        async with at.life():
            pass
    assert [item.text for item in at.sink.heard] == ["known"]
    assert at.sink.losses == []


async def test_what_is_too_old_is_handed_in_all_the_same(at):
    """The core says what is too old, and counts it."""
    spot = Spot(at, "channel")
    await spot.known()
    spot.say("old")
    at.sink.past.oldest = at.clock.now() + 3600
    async with at.life():
        assert spot.heard == ["known", "old"]


async def test_what_is_too_old_is_not_read_for_ever(at):
    needs_history(at)
    spot = Spot(at, "channel")
    await spot.known()
    spot.say(*(f"message {number}" for number in range(2500)))
    at.sink.past.oldest = at.clock.now() + 3600
    before = at.count(at.play.methods.history)
    async with at.life():
        pages = at.count(at.play.methods.history) - before
        spot.say("new")
        await at.sink.until_heard("new")
    assert 1 <= pages <= 8
    assert 1 < len(spot.heard) < 2000


@pytest.mark.parametrize("kind", ["429", "500", "drop", "rubbish"])
async def test_reading_back_outlasts_trouble(at, kind):
    needs_history(at)
    spot = Spot(at, "direct")
    await spot.known()
    spot.say("one", "two")
    at.fault(kind, at.play.methods.history, times=4, retry_after=7)
    async with at.life():
        assert spot.heard == ["known", "one", "two"]
    assert at.play.faults.armed() == []
    if kind == "429":
        assert at.clock.slept.count(7) == 4


async def test_a_live_message_waits_for_what_came_before_it(at):
    needs_history(at)
    spot = Spot(at, "channel")
    await spot.known()
    spot.say("one", "two")
    fault = at.fault("hold", at.play.methods.history, chat=spot.chat)
    async with at.life(ready=False):
        await at.held(fault)
        spot.say("live")
        at.play.faults.release()
        await at.sink.until_heard("live")
    assert spot.heard == ["known", "one", "two", "live"]


async def test_a_live_message_waits_even_before_its_chat_is_read(at):
    """So many chats have something new that not all are read at once."""
    needs_history(at)
    spots = [Spot(at, "channel") for _ in range(8)]
    async with at.life():
        for spot in spots:
            spot.say("known")
        await at.sink.until(lambda sink: len(sink.heard) == len(spots))
    for spot in spots:
        spot.say("one", "two")
    fault = at.fault("hold", at.play.methods.history, times=1000)
    async with at.life(ready=False) as adapter:
        await at.held(fault)
        for spot in spots:
            spot.say("live")
        assert isinstance(await adapter.send(at.delivery()), Delivered)  # and so they have been told by now
        at.play.faults.remove()
        await at.sink.until(lambda sink: [item.text for item in sink.heard].count("live") == len(spots))
    assert [spot.heard for spot in spots] == [["known", "one", "two", "live"]] * len(spots)


async def test_other_chats_do_not_wait_for_it(at):
    needs_history(at)
    slow, quick = Spot(at, "channel"), Spot(at, "channel")
    await slow.known()
    await quick.known()
    slow.say("one")
    quick.say("two")
    fault = at.fault("hold", at.play.methods.history, chat=slow.chat)
    async with at.life(ready=False):
        await at.held(fault)
        quick.say("three")
        await at.sink.until_heard("three")
        assert quick.heard == ["known", "two", "three"]
        assert "ready" not in at.sink.told[-3:]
        at.play.faults.release()
        await at.sink.until_heard("one")


async def test_a_chat_that_is_shut_keeps_nobody_else_waiting(at):
    shut, open_ = Spot(at, "channel"), Spot(at, "channel")
    await shut.known()
    await open_.known()
    shut.say("unheard")
    open_.say("heard")
    at.play.shut_out(shut.chat)
    async with at.life():
        assert open_.heard == ["known", "heard"]


async def test_a_ledger_that_fails_meanwhile_loses_nothing(at):
    spot = Spot(at, "direct")
    await spot.known()
    spot.say("one", "two")
    at.sink.refuse = 4
    async with at.life():
        assert spot.heard == ["known", "one", "two"]


@pytest.mark.parametrize("where", PLACES)
async def test_killed_while_reading_back(at, where):
    """The next life finds what this one did not commit."""
    spot = Spot(at, where)
    await spot.known()
    spot.say("one", "two", "three")
    at.sink.before_commit = asyncio.Event()
    async with at.life(ready=False):
        await at.sink.until(lambda sink: [item for item in _offered(sink) if item.text != "known"])
    at.sink.before_commit = None
    async with at.life():
        assert spot.heard == ["known", "one", "two", "three"]


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_a_connection_that_breaks_while_reading_back(at, when):
    needs_history(at)
    spot = Spot(at, "direct")
    await spot.known()
    spot.say("one", "two")
    fault = at.fault("hold", at.play.methods.history, when)
    async with at.life(ready=False) as adapter:
        await at.held(fault)
        ready = at.sink.told.count("ready")
        at.play.disconnect()
        spot.say("three")
        at.play.faults.release()
        await at.sink.until_ready(ready + 1)
        await at.sink.until_heard("three")
        assert isinstance(await adapter.send(at.delivery()), Delivered)
    assert spot.heard == ["known", "one", "two", "three"]


def _offered(sink):
    return [item for batch in sink.offered for item in batch.items]


@pytest.mark.parametrize("where", ["direct", "channel"])
async def test_what_was_said_before_the_bot_first_came_is_never_read(at, where):
    """Neither at the first connect nor by the margin of those that follow soon after."""
    needs_history(at)
    spot = Spot(at, where)
    spot.say("long before")
    for _ in range(3):
        async with at.life():
            assert spot.heard == []
    async with at.life():
        spot.say("since then")
        await at.sink.until_heard("since then")
    assert spot.heard == ["since then"]
