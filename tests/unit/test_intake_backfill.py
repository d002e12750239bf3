"""What was sent while the gateway was away: answered if it is fresh, counted if it is not."""

from contextlib import asynccontextmanager

import pytest

from gateway.engine.accounts import Accounts
from gateway.engine.commands import RENEWING
from gateway.engine.intake import Intake, IntakeParts
from gateway.engine.past import LedgerPast
from gateway.model.address import ChatKind
from gateway.model.message import Inbound
from gateway.ports import Batch
from gateway.rules.access import AccessPolicy
from gateway.rules.admission import AdmissionPolicy
from gateway.store.library import CURSORS_READ
from tests.helpers.house import access_of, fresh_house
from tests.helpers.ledgers import ACCOUNT

HOUR = 3600.0


@asynccontextmanager
async def gateway(tmp_path, *, access=None, freshness=HOUR):
    """A house whose intake minds how old things are, with what it counts."""
    async with fresh_house(tmp_path) as it:
        it.clock.advance(100 * HOUR)
        accounts = Accounts([ACCOUNT])
        access = access_of(it, access or AccessPolicy(open_to_all=True))
        parts = IntakeParts(
            it.ledger.store, it.lanes, it.outbox, it.commands, accounts, it.clock, it.resumer.on_ready, access
        )
        policy = AdmissionPolicy(
            access.policy, commands=it.commands.names, renewing=RENEWING, freshness=freshness
        )
        it.intake = Intake(parts, policy)
        yield it, accounts


def late(it, text, age, *, event, **more):
    sent = it.clock.now() - age
    fields = {"backfilled": True, "chat": "1001", **more}
    chat = fields.pop("chat")
    return Inbound(event, chat, ChatKind.DIRECT, "1001", "Ann", text, sent, **fields)


def counted(accounts):
    (status,) = accounts.all()
    return status.found, status.too_old


async def states(it):
    return await it.ledger.texts(await it.session_of())


async def test_law_09_what_was_sent_meanwhile_is_answered_in_order(tmp_path):
    async with gateway(tmp_path) as (it, accounts):
        items = (late(it, "one", 600.0, event="1"), late(it, "two", 300.0, event="2"))
        await it.intake.accept(Batch(ACCOUNT, items, {"1001": "2"}))
        await it.idle()
        assert it.chat.texts() == ["echo one", "echo two"]
        assert counted(accounts) == (2, 0)


async def test_what_is_too_old_is_written_down_and_answered_by_nobody(tmp_path):
    async with gateway(tmp_path) as (it, accounts):
        items = (late(it, "ages ago", HOUR + 1, event="1"), late(it, "just now", HOUR - 1, event="2"))
        await it.intake.accept(Batch(ACCOUNT, items, {"1001": "2"}))
        await it.idle()
        assert it.chat.texts() == ["echo just now"]
        assert await states(it) == [("ages ago", "withdrawn"), ("just now", "taken")]
        assert counted(accounts) == (1, 1)
        assert await it.ledger.store.cursors(ACCOUNT) == {"1001": "2"}


async def test_what_is_too_old_stays_unanswered_after_a_start_and_a_second_reading(tmp_path):
    async with gateway(tmp_path) as (it, accounts):
        item = late(it, "ages ago", 2 * HOUR, event="1")
        for _ in range(2):
            await it.intake.accept(Batch(ACCOUNT, (item,), {"1001": "1"}))
        await it.ready()
        await it.idle()
        assert it.chat.texts() == []
        assert it.agents.prompts == []
        assert counted(accounts) == (0, 1)


async def test_what_was_counted_is_not_counted_again(tmp_path):
    async with gateway(tmp_path) as (it, accounts):
        for _ in range(3):
            await it.intake.accept(Batch(ACCOUNT, (late(it, "one", 60.0, event="1"),)))
        await it.idle()
        assert counted(accounts) == (1, 0)
        await it.intake.accept(Batch(ACCOUNT, (late(it, "two", 60.0, event="2"),)))
        await it.idle()
        assert counted(accounts) == (2, 0)


async def test_counts_survive_a_reconnect(tmp_path):
    async with gateway(tmp_path) as (it, accounts):
        await it.intake.accept(Batch(ACCOUNT, (late(it, "one", 60.0, event="1"),)))
        it.intake.lost(ACCOUNT, "gone")
        await it.intake.ready(ACCOUNT)
        await it.idle()
        assert counted(accounts) == (1, 0)


async def test_what_comes_live_is_never_too_old_and_not_counted(tmp_path):
    async with gateway(tmp_path) as (it, accounts):
        item = late(it, "a slow clock", 5 * HOUR, event="1", backfilled=False)
        await it.intake.accept(Batch(ACCOUNT, (item,)))
        await it.idle()
        assert it.chat.texts() == ["echo a slow clock"]
        assert counted(accounts) == (0, 0)


@pytest.mark.parametrize("command", sorted(RENEWING))
async def test_an_old_new_renews_nothing(tmp_path, command):
    async with gateway(tmp_path) as (it, accounts):
        await it.hear("hello")
        await it.idle()
        before = await it.session_of()
        items = (
            late(it, "", 2 * HOUR, event="old", command=command),
            late(it, "and now?", 60.0, event="new"),
        )
        await it.intake.accept(Batch(ACCOUNT, items))
        await it.idle()
        assert await it.session_of() == before
        assert it.agents.forgotten == []
        assert it.chat.texts() == ["echo hello", "echo and now?"]
        assert counted(accounts) == (1, 1)


async def test_a_fresh_new_renews_although_it_was_read_back(tmp_path):
    async with gateway(tmp_path) as (it, _):
        await it.hear("hello")
        await it.idle()
        before = await it.session_of()
        items = (late(it, "", 60.0, event="n", command="new"), late(it, "and now?", 60.0, event="m"))
        await it.intake.accept(Batch(ACCOUNT, items))
        await it.idle()
        assert await it.session_of() > before


async def test_an_old_stop_stops_nothing(tmp_path):
    async with gateway(tmp_path) as (it, _):
        held = it.agents.hold()
        await it.hear("work")
        await it.at_work()
        await it.intake.accept(Batch(ACCOUNT, (late(it, "", 2 * HOUR, event="s", command="stop"),)))
        await it.quiet()
        assert it.agents.cancelled == []
        assert await it.ledger.store.waiting_commands(ACCOUNT) == ()
        held.set()
        await it.idle()
        assert it.chat.texts() == ["done"]


async def test_old_messages_do_not_fill_a_queue(tmp_path):
    async with gateway(tmp_path) as (it, accounts):
        items = [late(it, str(number), 2 * HOUR, event=f"o{number}") for number in range(60)]
        await it.intake.accept(Batch(ACCOUNT, (*items, late(it, "fresh", 60.0, event="f"))))
        await it.idle()
        assert it.chat.texts() == ["echo fresh"]
        assert counted(accounts) == (1, 60)


async def test_strangers_are_not_counted(tmp_path):
    async with gateway(tmp_path, access=AccessPolicy()) as (it, accounts):
        await it.intake.accept(Batch(ACCOUNT, (late(it, "hello", 60.0, event="1"),)))
        await it.idle()
        assert counted(accounts) == (0, 0)
        assert it.agents.prompts == []


async def test_a_lazy_batch_with_nothing_in_it_is_not_written(tmp_path):
    async with gateway(tmp_path) as (it, _):
        chatter = late(it, "among people", 60.0, event="1", from_bot=True)
        await it.intake.accept(Batch(ACCOUNT, (chatter,), {"g": "1"}, lazy=True))
        assert await it.ledger.store.cursors(ACCOUNT) == {}
        await it.intake.accept(Batch(ACCOUNT, (chatter,), {"g": "1"}))
        assert await it.ledger.store.cursors(ACCOUNT) == {"g": "1"}


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_lazy_batch_with_something_in_it_is_written_whole(tmp_path, allowed):
    access = AccessPolicy(open_to_all=allowed)
    async with gateway(tmp_path, access=access) as (it, _):
        items = (late(it, "", 60.0, event="1"), late(it, "hello", 60.0, event="2"))
        await it.intake.accept(Batch(ACCOUNT, items, {"1001": "2"}, lazy=True))
        assert await it.ledger.store.cursors(ACCOUNT) == {"1001": "2"}
        await it.idle()


async def test_cursors_are_those_that_moved_last_and_always_the_accounts_own(tmp_path):
    async with gateway(tmp_path) as (it, _):
        store = it.ledger.store
        await store.accept(ACCOUNT, [], [], {"": "own"}, 1.0)
        await store.accept(ACCOUNT, [], [], {f"c{n:05}": str(n) for n in range(CURSORS_READ)}, 2.0)
        await store.accept(ACCOUNT, [], [], {"c00003": "moved", "new": "n"}, 3.0)
        await store.accept("other", [], [], {"": "other's own"}, 4.0)
        found = await store.cursors(ACCOUNT)
        assert len(found) == CURSORS_READ
        assert (found[""], found["c00003"], found["new"]) == ("own", "moved", "n")
        assert next(iter(found)) == ""
        assert set(list(found)[1:3]) == {"c00003", "new"}
        assert "c00000" not in found
        assert await store.cursors("other") == {"": "other's own"}
        assert await store.cursors("nobody") == {}


async def test_the_past_of_an_account_is_its_cursors_and_a_horizon(tmp_path):
    async with gateway(tmp_path) as (it, _):
        past = LedgerPast(it.ledger.store, ACCOUNT, it.clock, HOUR)
        await it.ledger.store.accept(ACCOUNT, [], [], {"c": "5"}, 1.0)
        assert await past.cursors() == {"c": "5"}
        assert past.horizon() == it.clock.now() - HOUR


async def test_what_comes_while_it_listens_was_not_missed_however_it_was_read(tmp_path):
    async with gateway(tmp_path) as (it, accounts):
        accounts.connected(ACCOUNT, it.clock.now())
        it.clock.advance(1.0)
        await it.intake.accept(Batch(ACCOUNT, (late(it, "live", 0.5, event="1"),), {"1001": "1"}))
        assert counted(accounts) == (0, 0)
        before = late(it, "before", 30.0, event="2")
        await it.intake.accept(Batch(ACCOUNT, (before,), {"1001": "2"}))
        assert counted(accounts) == (1, 0)


async def test_what_was_refused_stays_refused_when_access_has_changed(tmp_path):
    async with gateway(tmp_path, access=AccessPolicy()) as (it, _):
        await it.intake.accept(Batch(ACCOUNT, (late(it, "stranger", 1.0, event="1"),), {"1001": "1"}))
        await it.idle()
        (told,) = it.chat.texts()
        it.intake._parts.access.reconfigure(AccessPolicy(open_to_all=True))
        again = (late(it, "stranger", 1.0, event="1"), late(it, "friend", 1.0, event="2"))
        await it.intake.accept(Batch(ACCOUNT, again, {"1001": "2"}))
        await it.idle()
        assert it.chat.texts() == [told, "echo friend"]
