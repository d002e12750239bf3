"""The outbox on a real ledger: order per chat, and each outcome does what it says and no more."""

import asyncio
from collections import deque
from contextlib import asynccontextmanager

import pytest

from gateway.engine.outbox import DOUBTFUL_ATTEMPTS, OnUnknown, Outbox
from gateway.model.delivery import (
    Delivered,
    DeliveryKind,
    DeliveryState,
    Draft,
    Rejected,
    RetryAfter,
    Unknown,
)
from tests.helpers.clock import ManualClock, until
from tests.helpers.fakes import ScriptedChat
from tests.helpers.groups import killed_group
from tests.helpers.ledgers import ACCOUNT, opened


class Office:
    """An outbox, its platform and its ledger."""

    def __init__(self, ledger, group, chat, on_unknown):
        self.ledger = ledger
        self.clock = ManualClock()
        self.chat = chat
        self.outbox = Outbox(ledger.store, {ACCOUNT: chat}, self.clock, group, on_unknown)

    async def owe(self, *texts, chat="1001", push=True):
        said = await self.ledger.say("x", chat)
        drafts = tuple(Draft(DeliveryKind.REPLY, text) for text in texts)
        owed = await self.ledger.store.notify(said.session_id, drafts, self.ledger.tick())
        if push:
            self.outbox.push(owed)
        return owed

    async def states(self):
        found = await self.ledger.store.deliveries(100)
        return {delivery.body: delivery.state for delivery in found}

    async def quiet(self):
        for _ in range(4):
            for _ in range(25):
                await asyncio.sleep(0)
            await self.ledger.store.beat(self.ledger.boot, 0.0)


@asynccontextmanager
async def office(tmp_path, on_unknown=OnUnknown.LABEL, chat=None, *, connected=True):
    async with opened("sqlite", tmp_path) as ledger, killed_group() as group:
        made = Office(ledger, group, chat or ScriptedChat(), on_unknown)
        if connected:
            made.outbox.open(ACCOUNT)
        yield made


async def test_what_is_owed_is_sent_in_order(tmp_path):
    async with office(tmp_path) as it:
        await it.owe("a", "b", "c")
        await it.owe("d")
        await it.outbox.empty()
        assert it.chat.texts() == ["a", "b", "c", "d"]
        assert await it.states() == {}
        assert len(it.outbox) == 0


async def test_law_02_a_delivery_is_claimed_before_the_platform_hears_of_it(tmp_path):
    seen = []

    class Watching(ScriptedChat):
        async def send(self, delivery):
            found = await watched.ledger.store.deliveries(1)
            seen.append((found[0].state, found[0].attempt))
            return await super().send(delivery)

    async with office(tmp_path, chat=Watching()) as it:
        watched = it
        await it.owe("a")
        await it.outbox.empty()
    assert seen == [(DeliveryState.SENDING, 1)]


async def test_chats_do_not_wait_for_each_other(tmp_path):
    async with office(tmp_path) as it:
        it.chat.gates["slow"] = asyncio.Event()
        await it.owe("stuck", chat="slow")
        await it.owe("free", chat="quick")
        await until(lambda: it.chat.texts("quick") == ["free"])
        assert it.chat.texts("slow") == []
        it.chat.gates["slow"].set()
        await it.outbox.empty()
        assert it.chat.texts("slow") == ["stuck"]


async def test_a_rate_limit_holds_up_its_chat_alone_and_exactly(tmp_path):
    async with office(tmp_path) as it:
        it.chat.script["1"] = deque([RetryAfter(30.0, "slow down")])
        await it.owe("a", "b", chat="1")
        await it.owe("c", chat="2")
        await until(lambda: it.chat.texts("2") == ["c"])
        await it.quiet()
        assert [d.body for d in it.chat.tried if d.route.chat == "1"] == ["a"]
        assert (await it.states())["a"] is DeliveryState.PENDING
        it.clock.advance(29.0)
        await it.quiet()
        assert it.chat.texts("1") == []
        it.clock.advance(1.5)
        await it.outbox.empty()
        assert it.chat.texts("1") == ["a", "b"]
        assert not any(delivery.doubtful for delivery in it.chat.delivered)


async def test_nothing_is_claimed_while_it_waits_for_a_limiter(tmp_path):
    async with office(tmp_path) as it:
        it.chat.paces["1001"] = asyncio.Event()
        await it.owe("a")
        await it.quiet()
        assert await it.states() == {"a": DeliveryState.PENDING}
        it.chat.paces["1001"].set()
        await it.outbox.empty()
        assert it.chat.texts() == ["a"]


async def test_a_refusal_does_not_block_what_follows(tmp_path):
    async with office(tmp_path) as it:
        it.chat.script["1001"] = deque([Rejected("malformed")])
        await it.owe("bad", "good")
        await it.outbox.empty()
        assert it.chat.texts() == ["good"]
        assert await it.states() == {"bad": DeliveryState.REJECTED}


async def test_a_bug_in_one_delivery_does_not_silence_its_chat(tmp_path):
    async with office(tmp_path) as it:
        it.chat.script["1001"] = deque([ValueError("a bug")])
        await it.owe("bad", "good")
        await it.outbox.empty()
        assert it.chat.texts() == ["good"]


async def test_what_may_have_arrived_is_repeated_with_a_label(tmp_path):
    async with office(tmp_path) as it:
        it.chat.script["1001"] = deque([Unknown("connection lost")])
        await it.owe("a", "b")
        await until(lambda: it.chat.tried)
        await it.quiet()
        assert len(it.chat.tried) == 1
        it.clock.advance(60.0)
        await it.outbox.empty()
        assert it.chat.texts() == ["a", "b"]
        assert [delivery.doubtful for delivery in it.chat.delivered] == [True, False]


async def test_what_may_have_arrived_is_held_where_that_is_wanted(tmp_path):
    async with office(tmp_path, OnUnknown.HOLD) as it:
        it.chat.script["1001"] = deque([Unknown("connection lost")])
        await it.owe("a")
        await it.owe("b")
        await until(lambda: it.chat.tried)
        await it.quiet()
        it.clock.advance(60.0)
        await until(lambda: "b" in it.chat.texts())
        await it.outbox.empty()
        assert "a" not in it.chat.texts()
        assert (await it.states())["a"] is DeliveryState.HELD


async def test_repeats_are_bounded(tmp_path):
    async with office(tmp_path) as it:
        it.chat.script["1001"] = deque([Unknown("again")] * 50)
        await it.owe("a")
        while (await it.states()).get("a") is not DeliveryState.HELD:
            await it.quiet()
            it.clock.advance(3600.0)
        while len(it.outbox):
            await it.quiet()
            it.clock.advance(3600.0)
        assert [d.body for d in it.chat.tried].count("a") == DOUBTFUL_ATTEMPTS + 1


@pytest.mark.parametrize(("on_unknown", "sent"), [(OnUnknown.LABEL, ["a", "b"]), (OnUnknown.HOLD, ["b"])])
async def test_law_02_what_a_crash_left_unknown_is_never_blindly_sent_again(tmp_path, on_unknown, sent):
    async with office(tmp_path, on_unknown) as it:
        cut, _ = await it.owe("a", "b", push=False)
        await it.ledger.store.claim(cut.id, 1.0)
        await it.ledger.start()
        assert await it.outbox.load(ACCOUNT) == 2
        await until(lambda: "b" in it.chat.texts())
        texts = [text for text in it.chat.texts() if text in ("a", "b")]
        assert texts == sent
        assert all(delivery.doubtful == (delivery.body == "a") for delivery in it.chat.delivered)


async def test_nothing_moves_before_the_account_is_connected(tmp_path):
    async with office(tmp_path, connected=False) as it:
        await it.owe("a")
        await it.quiet()
        assert it.chat.tried == []
        it.outbox.open(ACCOUNT)
        await it.outbox.empty()
        assert it.chat.texts() == ["a"]


async def test_a_closing_outbox_claims_nothing_and_settles_what_is_on_its_way(tmp_path):
    async with office(tmp_path) as it:
        gate = it.chat.gates["1001"] = asyncio.Event()
        await it.owe("on its way", "waiting")
        await until(lambda: it.chat.tried)
        it.outbox.close()
        gate.set()
        await it.outbox.empty()
        assert await it.states() == {"waiting": DeliveryState.PENDING}
        await it.owe("later")
        await it.outbox.empty()
        assert [delivery.body for delivery in it.chat.tried] == ["on its way"]


async def test_closing_does_not_wait_for_a_rate_limit(tmp_path):
    async with office(tmp_path) as it:
        it.chat.script["1001"] = deque([RetryAfter(86_400.0, "tomorrow")])
        await it.owe("a")
        await until(lambda: it.chat.tried)
        await it.quiet()
        it.outbox.close()
        await it.outbox.empty()
        assert await it.states() == {"a": DeliveryState.PENDING}


async def test_what_a_person_dropped_is_not_sent(tmp_path):
    async with office(tmp_path) as it:
        it.chat.script["1001"] = deque([RetryAfter(30.0, "slow down")])
        dropped, _ = await it.owe("dropped", "sent")
        await until(lambda: it.chat.tried)
        await it.quiet()
        assert await it.ledger.store.drop(dropped.id, 1.0)
        it.clock.advance(31.0)
        await it.outbox.empty()
        assert it.chat.texts() == ["sent"]


async def test_what_a_person_dropped_while_it_was_unknown_is_not_sent(tmp_path):
    async with office(tmp_path) as it:
        dropped, _ = await it.owe("dropped", "sent", push=False)
        await it.ledger.store.claim(dropped.id, 1.0)
        await it.ledger.store.settle(dropped.id, Unknown("lost"), 1.0)
        owed = await it.ledger.store.owed(ACCOUNT)
        assert await it.ledger.store.drop(dropped.id, 2.0)
        it.outbox.push(owed)
        await it.outbox.empty()
        assert it.chat.texts() == ["sent"]


async def test_the_key_stays_the_same_through_every_attempt(tmp_path):
    async with office(tmp_path) as it:
        it.chat.script["1001"] = deque([RetryAfter(1.0, "x"), Unknown("y"), Delivered("z")])
        await it.owe("a")
        for tries in (1, 2, 3):
            await until(lambda tries=tries: len(it.chat.tried) == tries)
            await it.quiet()
            it.clock.advance(60.0)
        await it.outbox.empty()
        assert len({delivery.key for delivery in it.chat.tried}) == 1
