"""What intake does with limits, files, edits and receipts, on the real engine."""

import asyncio
from dataclasses import replace

import pytest

from gateway.engine.intake import LIMITED_COMMANDS
from gateway.model.agent import CancelledPrompt
from gateway.model.attachment import Attachment, AttachmentKind
from gateway.model.delivery import DeliveryKind
from gateway.model.message import Change, MessageState
from gateway.ports import Batch, LedgerUnavailableError
from gateway.rules.allowance import Allowance, Allowances
from tests.helpers.clock import until
from tests.helpers.doors import ANN, BOB, EVE, doors, fresh_doors
from tests.helpers.fakes import ScriptedAgents
from tests.helpers.ledgers import ACCOUNT, opened
from tests.helpers.onlookers import Balky

TWO = Allowance(2, 60.0)
PHOTO = Attachment("ref-1", "cat.jpg", "image/jpeg", 1000, AttachmentKind.IMAGE)


def limited(person=TWO, account=None):
    return Allowances(person, account)


async def texts(at, who=BOB):
    return await at.it.ledger.texts(await at.it.session_of(who))


# Limits.


async def test_who_writes_too_fast_is_told_once_and_answered_later(tmp_path):
    async with fresh_doors(tmp_path, limits=limited()) as at:
        for text in ("one", "two", "three", "four"):
            await at.hear(BOB, text)
        await at.it.idle()
        assert at.it.agents.texts() == ["one", "two"]
        (told,) = [text for text in at.shown(BOB) if not text.startswith("echo")]
        assert "2 messages in 1 minute" in told
        assert "What is more than that is not taken: please send it again in 1 minute." in told
        assert [state for _, state in await texts(at)] == ["taken", "taken", "withdrawn", "withdrawn"]
        at.it.clock.advance(60)
        await at.hear(BOB, "five")
        await at.it.idle()
        assert at.it.agents.texts() == ["one", "two", "five"]


async def test_one_persons_haste_is_nobody_elses(tmp_path):
    async with fresh_doors(tmp_path, limits=limited()) as at:
        for text in ("one", "two", "three"):
            await at.hear(BOB, text)
        await at.hear(ANN, "me too")
        await at.it.idle()
        assert "me too" in at.it.agents.texts()


async def test_an_account_has_a_limit_of_its_own(tmp_path):
    async with fresh_doors(tmp_path, limits=limited(None, TWO)) as at:
        for who in (BOB, ANN, BOB, ANN):
            await at.hear(who, "hello")
        await at.it.idle()
        assert at.it.agents.texts() == ["hello", "hello"]
        assert any("More is written to this bot" in text for text in at.shown(ANN))


async def test_commands_that_only_tell_or_decide_are_neither_limited_nor_counted(tmp_path):
    async with fresh_doors(tmp_path, limits=limited()) as at:
        telling = sorted(at.commands.names - LIMITED_COMMANDS)
        assert {"status", "help", "stop", "queue"} <= set(telling)
        for name in telling:
            await at.hear(BOB, command=name)
        await at.settled()
        for text in ("one", "two", "three"):
            await at.hear(BOB, text)
        await at.it.idle()
        assert at.it.agents.texts() == ["one", "two"]
        for _ in range(3):
            await at.hear(BOB, command="help")
        await at.settled()
        await at.it.idle()
        assert at.shown(BOB)[-3:] == [at.shown(BOB)[-1]] * 3
        assert "/new" in at.shown(BOB)[-1]


@pytest.mark.parametrize("name", sorted(LIMITED_COMMANDS))
async def test_commands_that_make_the_agent_work_count(tmp_path, name):
    async with fresh_doors(tmp_path, limits=limited()) as at:
        assert name in at.commands.names
        await at.hear(BOB, "one")
        await at.hear(BOB, command=name)
        await at.settled()
        await at.it.idle()
        worked = len(at.it.agents.prompts)
        await at.hear(BOB, "two")
        await at.it.idle()
        assert len(at.it.agents.prompts) == worked
        assert "You write faster" in at.shown(BOB)[-1]


async def test_commands_that_make_the_agent_work_are_limited_and_stop_is_not(tmp_path):
    agents = ScriptedAgents()
    async with fresh_doors(tmp_path, agents=agents, limits=limited()) as at:
        agents.hold(on_cancel=CancelledPrompt())
        await at.hear(BOB, "dig")
        await at.it.at_work()
        await at.hear(BOB, "and fill")
        before = await at.it.session_of(BOB)
        await at.hear(BOB, command="new")
        await at.settled()
        assert await at.it.session_of(BOB) == before, "a refused /new renews nothing"
        assert len(agents.running) == 1
        for _ in range(3):
            await at.hear(BOB, command="stop")
        await until(lambda: any(text.startswith("Stopped") for text in at.shown(BOB)))
        assert not agents.running


async def test_a_redelivered_event_counts_once(tmp_path):
    async with fresh_doors(tmp_path, limits=limited()) as at:
        for _ in range(5):
            await at.hear(BOB, "one", event="same")
        await at.hear(BOB, "two")
        await at.it.idle()
        assert at.it.agents.texts() == ["one", "two"]


async def test_what_could_not_be_committed_is_offered_again_and_counts_once(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        ledger.store = Balky(ledger.store)
        async with doors(ledger, limits=limited()) as at:
            ledger.store.full["accept"] = 3
            for _ in range(3):
                with pytest.raises(LedgerUnavailableError):
                    await at.hear(BOB, "one", event="same")
            await at.hear(BOB, "one", event="same")
            await at.hear(BOB, "two")
            await at.it.idle()
            assert at.it.agents.texts() == ["one", "two"]


async def test_what_was_read_back_counts_as_it_was_written(tmp_path):
    async with fresh_doors(tmp_path, limits=limited(), freshness=3600.0) as at:
        at.it.clock.advance(1000)
        now = at.it.clock.now()
        items = [
            at.inbound(BOB, f"m{age}", sent_at=now - age, backfilled=True)
            for age in (900, 600, 300, 30, 20, 10)
        ]
        await at.take(*items)
        await at.it.idle()
        assert at.it.agents.texts() == ["m900", "m600", "m300", "m30", "m20"]


async def test_presses_and_strangers_do_not_count(tmp_path):
    async with fresh_doors(tmp_path, limits=limited()) as at:
        for _ in range(5):
            await at.hear(BOB, button="go:1:1")
            await at.hear(EVE, "hello")
        await at.hear(BOB, "hello")
        await at.settled()
        await at.it.idle()
        assert at.it.agents.texts() == ["hello"]
        assert at.shown(BOB).count("This is no longer open.") == 5
        assert len(at.shown(EVE)) == 1


async def test_what_was_not_taken_supersedes_nothing_and_fetches_nothing(tmp_path):
    agents = ScriptedAgents()
    async with fresh_doors(tmp_path, agents=agents, limits=limited(Allowance(1, 60.0)), interrupt=True) as at:
        held = agents.hold()
        await at.hear(BOB, "dig")
        await at.it.at_work()
        await at.hear(BOB, "no, sing", attachments=(PHOTO,))
        await at.it.quiet()
        assert agents.cancelled == []
        assert at.fetched == []
        held.set()
        await at.it.idle()
        assert agents.texts() == ["dig"]


# Files.


@pytest.mark.parametrize("text", ["", "look"])
async def test_files_are_fetched_soon_and_once(tmp_path, text):
    async with fresh_doors(tmp_path) as at:
        for _ in range(2):
            await at.hear(BOB, text, event="same", attachments=(PHOTO,))
        await at.hear(EVE, text, attachments=(PHOTO,))
        (stored,) = at.fetched
        assert (stored.attachment, stored.account) == (PHOTO, ACCOUNT)


async def test_where_files_are_not_taken_that_is_said_once(tmp_path):
    async with fresh_doors(tmp_path, receive_files=False) as at:
        for _ in range(2):
            await at.hear(BOB, attachments=(PHOTO,))
        await at.hear(BOB, "look", attachments=(PHOTO,))
        await at.it.idle()
        assert at.fetched == []
        assert at.it.agents.texts() == ["look"]
        assert at.shown(BOB) == ["Files are not taken here. Please put it into words.", "echo look"]


# Receipts.


async def test_receipts_are_owed_to_messages_that_were_taken(tmp_path):
    async with fresh_doors(tmp_path, receipts=True, limits=limited()) as at:
        await at.hear(BOB, "one", message_ref="m1")
        await at.hear(BOB, command="status", message_ref="m2")
        await at.hear(BOB, command="new", message_ref="m5")
        await at.hear(BOB, "two", message_ref="m3")
        await at.hear(EVE, "hello", message_ref="m4")
        await at.settled()
        await at.it.idle()
        signs = [one.reply_to for one in at.it.chat.delivered if one.kind is DeliveryKind.RECEIPT]
        assert set(signs) == {"m1"}


# Edits.


@pytest.mark.parametrize(
    ("change", "who", "now", "reads"),
    [
        (Change.EDITED, BOB, "sing", [("sing", "waiting")]),
        (Change.DELETED, BOB, "", [("dig", "withdrawn")]),
        (Change.DELETED, "", "", [("dig", "withdrawn")]),
        (Change.EDITED, EVE, "sing", [("dig", "waiting")]),
        (Change.DELETED, EVE, "", [("dig", "waiting")]),
        (Change.EDITED, ANN, "sing", [("dig", "waiting")]),
        (Change.DELETED, ANN, "", [("dig", "waiting")]),
        (Change.EDITED, "", "sing", [("dig", "waiting")]),
    ],
)
async def test_a_message_that_waits_is_changed_by_its_author_alone(tmp_path, change, who, now, reads):
    async with fresh_doors(tmp_path) as at:
        at.it.lanes.stop_admitting()
        await at.hear(BOB, "dig", message_ref="m1")
        await at.hear(who, now, chat=BOB, message_ref="m1", change=change)
        assert await texts(at) == reads


async def test_edits_reach_the_ledger_in_no_other_way(tmp_path):
    async with fresh_doors(tmp_path) as at:
        await at.hear(BOB, "dig", message_ref="m1")
        await at.it.idle()
        await at.hear(BOB, "sing", message_ref="m1", change=Change.EDITED)
        await at.hear(BOB, "dance", message_ref="m9", change=Change.EDITED)
        await at.hear(EVE, "hello", change=Change.EDITED, message_ref="m2")
        await at.it.idle()
        assert at.it.agents.texts() == ["dig"]
        assert [m.state for m in await at.it.ledger.store.messages(1)] == [MessageState.TAKEN]
        assert at.shown(EVE) == []


async def test_a_lazy_batch_with_an_edit_is_written(tmp_path):
    async with fresh_doors(tmp_path) as at:
        at.it.lanes.stop_admitting()
        await at.hear(BOB, "dig", message_ref="m1")
        item = at.inbound(BOB, "sing", message_ref="m1", change=Change.EDITED)
        await at.intake.accept(Batch(ACCOUNT, (item,), {"c": "9"}, lazy=True))
        assert await texts(at) == [("sing", "waiting")]
        assert (await at.it.ledger.store.cursors(ACCOUNT))["c"] == "9"


# Offering commands.


@pytest.mark.parametrize("broken", [False, True])
async def test_commands_are_offered_beside_everything_else(tmp_path, broken):
    offered, gate = [], asyncio.Event()

    async def offer(account):
        offered.append(account)
        await gate.wait()
        if broken:
            raise ValueError(account)

    async with fresh_doors(tmp_path, ready=False) as at:
        at.intake._parts = replace(at.intake._parts, offer=offer)
        await at.intake.ready(ACCOUNT)
        await until(lambda: offered == [ACCOUNT])
        await at.hear(BOB, "hello")
        gate.set()
        await at.it.idle()
        assert at.it.agents.texts() == ["hello"]
