"""What became of a send that nobody saw end: the platform is asked before anything is repeated."""

import asyncio
from collections import deque
from contextlib import asynccontextmanager

import pytest

from gateway.engine.outbox import DOUBTFUL_ATTEMPTS, HELD, OnUnknown, Outbox
from gateway.model.address import Route
from gateway.model.delivery import (
    Absent,
    Delivered,
    DeliveryKind,
    DeliveryState,
    Draft,
    Rejected,
    RetryAfter,
    Unknown,
)
from tests.helpers.clock import until
from tests.helpers.groups import killed_group
from tests.helpers.ledgers import ACCOUNT
from tests.helpers.onlookers import LABEL, Arrived, Balky, Scene, scene

S = DeliveryState


class Office:
    """An outbox and the platform that people look at."""

    def __init__(self, s: Scene, group, on_unknown):
        self.ledger, self.chat, self.clock, self.store = s.ledger, s.chat, s.clock, s.store
        self.outbox = Outbox(s.store, {ACCOUNT: s.chat}, s.clock, group, on_unknown)
        self.outbox.open(ACCOUNT)

    async def owe(self, *texts, thread="", push=True):
        said = await self.ledger.say("x", thread=thread)
        drafts = tuple(Draft(DeliveryKind.REPLY, text) for text in texts)
        owed = await self.store.notify(said.session_id, drafts, self.ledger.tick())
        if push:
            self.outbox.push(owed)
        return owed

    async def cut(self, *texts):
        """The first of them was being sent when the gateway died."""
        owed = await self.owe(*texts, push=False)
        await self.store.claim(owed[0].id, 1_500.0)
        await self.ledger.start()
        await self.outbox.load(ACCOUNT)
        return owed

    async def quiet(self):
        for _ in range(4):
            for _ in range(25):
                await asyncio.sleep(0)
            await self.store.beat(self.ledger.boot, 0.0)

    async def done(self):
        while len(self.outbox):
            self.clock.advance(0.25)
            await self.quiet()

    async def state(self, delivery):
        return (await self.store.delivery(delivery.id)).state


@asynccontextmanager
async def office(tmp_path, on_unknown=OnUnknown.LABEL, **more):
    async with scene(tmp_path, **more) as s, killed_group() as group:
        yield Office(s, group, on_unknown)


@pytest.mark.parametrize("on_unknown", OnUnknown)
async def test_what_arrived_is_not_sent_again(tmp_path, on_unknown):
    async with office(tmp_path, on_unknown) as it:
        it.chat.answers = deque([Delivered("m77")])
        cut, _ = await it.cut("a", "b")
        await it.done()
        assert it.chat.reads() == ["b"]
        row = await it.store.delivery(cut.id)
        assert (row.state, row.platform_message_id, row.doubtful) == (S.SENT, "m77", False)


@pytest.mark.parametrize("on_unknown", OnUnknown)
async def test_what_never_arrived_is_sent_without_a_label(tmp_path, on_unknown):
    async with office(tmp_path, on_unknown) as it:
        it.chat.answers = deque([Absent()])
        await it.cut("a", "b")
        await it.done()
        assert it.chat.reads() == ["a", "b"]


async def test_what_the_platform_refuses_meanwhile_is_rejected(tmp_path):
    async with office(tmp_path) as it:
        it.chat.answers = deque([Rejected("the chat is gone")])
        cut, _ = await it.cut("a", "b")
        await it.done()
        assert it.chat.reads() == ["b"]
        assert await it.state(cut) is S.REJECTED


async def test_a_platform_that_cannot_answer_now_is_asked_later(tmp_path):
    async with office(tmp_path) as it:
        it.chat.answers = deque([RetryAfter(300.0, "not now"), Delivered("m77")])
        cut, _ = await it.cut("a", "b")
        await until(lambda: it.chat.asked)
        await it.quiet()
        it.clock.advance(200.0)
        await it.quiet()
        assert len(it.chat.asked) == 1
        assert it.chat.tried == []
        assert await it.state(cut) is S.UNKNOWN
        it.clock.advance(100.0)
        await it.done()
        assert it.chat.reads() == ["b"]


async def test_waiting_for_an_answer_is_not_a_doubtful_attempt(tmp_path):
    async with office(tmp_path) as it:
        it.chat.answers = deque([RetryAfter(5.0, "not now")] * (DOUBTFUL_ATTEMPTS + 3))
        await it.cut("a")
        await it.done()
        assert it.chat.reads() == [LABEL + "a"]


async def test_nobody_waits_for_an_answer_through_a_shutdown(tmp_path):
    async with office(tmp_path) as it:
        it.chat.answers = deque([RetryAfter(86_400.0, "tomorrow")])
        cut, _ = await it.cut("a", "b")
        await until(lambda: it.chat.asked)
        await it.quiet()
        it.outbox.close()
        await it.outbox.empty()
        assert it.chat.tried == []
        assert await it.state(cut) is S.UNKNOWN


@pytest.mark.parametrize(
    ("on_unknown", "shown"),
    [(OnUnknown.LABEL, [LABEL + "a", "b"]), (OnUnknown.HOLD, ["b", HELD])],
)
async def test_where_nobody_can_tell_it_is_as_the_operator_chose(tmp_path, on_unknown, shown):
    async with office(tmp_path, on_unknown) as it:
        await it.cut("a", "b")
        await it.done()
        assert it.chat.reads() == shown
        assert len(it.chat.asked) == 1


async def test_a_send_that_broke_off_is_asked_about_at_once(tmp_path):
    async with office(tmp_path, knows=True) as it:
        it.chat.script["1001"] = deque([Arrived("broke off"), Unknown("broke off")])
        await it.owe("a", "b", "c")
        await it.done()
        assert it.chat.reads() == ["a", "b", "c"]
        assert [delivery.body for delivery, _ in it.chat.asked] == ["a", "b"]
        assert not any(delivery.doubtful for delivery in it.chat.tried)


async def test_the_platform_is_told_where_to_look(tmp_path):
    async with office(tmp_path, knows=True) as it:
        await it.owe("elsewhere", thread="t")
        await it.owe("one", "two")
        await it.done()
        it.chat.script["1001"] = deque([Arrived("broke off")])
        it.clock.advance(7.0)
        at = it.clock.now()
        await it.owe("three")
        await it.done()
        ((asked, after),) = it.chat.asked
        (two,) = (key for key, text in it.chat.rooms["1001"].items() if text == "two")
        assert (asked.body, after) == ("three", two)
        assert at <= asked.claimed_at < at + 1


async def test_the_first_claim_is_what_the_platform_is_asked_by(tmp_path):
    async with office(tmp_path) as it:
        it.chat.script["1001"] = deque([RetryAfter(60.0, "slow down"), Unknown("broke off")])
        first = it.clock.now()
        await it.owe("a")
        await it.done()
        assert it.clock.now() > first + 60
        ((asked, _),) = it.chat.asked
        assert first <= asked.claimed_at < first + 1


async def test_a_place_where_nothing_was_sent_before_has_no_anchor(tmp_path):
    async with office(tmp_path, knows=True) as it:
        await it.cut("a")
        await it.done()
        ((asked, after),) = it.chat.asked
        assert (asked.claimed_at, after) == (1_500.0, None)


async def test_what_is_asked_about_holds_up_what_follows(tmp_path):
    async with office(tmp_path) as it:
        it.chat.answers = deque([RetryAfter(20.0, "not now"), Absent()])
        await it.cut("a", "b")
        await it.owe("c")
        await it.done()
        assert it.chat.reads() == ["a", "b", "c"]


async def test_a_thread_is_a_queue_of_its_own(tmp_path):
    async with office(tmp_path) as it:
        it.chat.script["1001"] = deque([RetryAfter(60.0, "slow down")])
        await it.owe("slow")
        await until(lambda: it.chat.tried)
        await it.owe("quick", thread="t")
        await until(lambda: it.chat.delivered)
        await it.quiet()
        assert [delivery.route for delivery in it.chat.delivered] == [Route(ACCOUNT, "1001", "t")]
        assert len(it.outbox) == 1
        await it.done()
        assert it.chat.reads() == ["quick", "slow"]


async def test_what_a_person_dropped_while_it_was_asked_about_is_not_sent(tmp_path):
    async with office(tmp_path) as it:
        it.chat.answers = deque([RetryAfter(300.0, "not now"), Absent()])
        cut, _ = await it.cut("a", "b")
        await until(lambda: it.chat.asked)
        await it.quiet()
        assert await it.store.drop(cut.id, 1.0)
        await it.done()
        assert it.chat.reads() == ["b"]
        assert len(it.chat.asked) == 1


@pytest.mark.parametrize("step", ["retry", "settle", "retry_doubtful"])
async def test_a_full_disk_while_it_is_found_out(tmp_path, step):
    async with office(tmp_path) as it:
        answers = {"retry": [Absent()], "settle": [Delivered("m77")], "retry_doubtful": []}
        it.chat.answers = deque(answers[step])
        cut, _ = await it.cut("a", "b")
        it.store.full[step] = 3
        await it.done()
        assert it.store.refused == [step] * 3
        expected = {"retry": ["a", "b"], "settle": ["b"], "retry_doubtful": [LABEL + "a", "b"]}
        assert it.chat.reads() == expected[step]
        assert await it.state(cut) is S.SENT


async def test_a_crash_before_the_answer_was_written_asks_again(tmp_path):
    async with office(tmp_path, knows=True) as it:
        assert isinstance(it.store, Balky)
        it.store.before["settle"] = asyncio.Event()
        await it.owe("a")
        await until(lambda: it.store.reached["settle"])
        await it.ledger.start()
        async with killed_group() as group:
            again = Outbox(it.store.store, {ACCOUNT: it.chat}, it.clock, group, OnUnknown.LABEL)
            again.open(ACCOUNT)
            await again.load(ACCOUNT)
            await again.empty()
        assert it.chat.reads() == ["a"]
