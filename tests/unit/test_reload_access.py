"""Law 7 while the gateway runs: who is taken out of the config is cut off from everything at once."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from gateway.model.address import ChatKind
from gateway.model.grant import Role
from gateway.model.message import MessageState, Origin
from gateway.model.operation import Refused
from gateway.model.session import SessionState
from gateway.model.turn import TurnState
from gateway.store.sqlite import LEDGER_FILE
from tests.helpers.clock import until
from tests.helpers.ledgers import ACCOUNT, opened
from tests.helpers.living import ANN, BOB, EVE, life, new_life

TWO = {"allow": [f"{ACCOUNT}:{BOB}", f"{ACCOUNT}:{EVE}"]}
ONE = {"allow": [f"{ACCOUNT}:{EVE}"]}
GROUP = {"chat": "-5", "thread": "7", "chat_kind": ChatKind.GROUP}


async def states(it, session):
    return [turn.state for turn in await it.ledger.store.turns(session)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TWO, ONE),
        ({"default": "allow"}, {"default": "deny", **ONE}),
        ({"allow": [f"{ACCOUNT}:*"]}, ONE),
        ({"default": "allow"}, {"default": "pair", **ONE}),
    ],
)
async def test_law_07_who_is_taken_out_of_the_config_is_cut_off_at_once(tmp_path, before, after):
    async with new_life(tmp_path, access=before) as it:
        bobs, eves = it.agents.hold(), it.agents.hold()
        await it.hear(BOB, "dig")
        await until(lambda: len(it.agents.running) == 1)
        await it.hear(EVE, "plant")
        await until(lambda: len(it.agents.running) == 2)
        await it.hear(BOB, "and fill")
        await it.hear(EVE, "and water")
        await it.change(access=after)
        assert await states(it, 1) == [TurnState.CANCELLED]
        eves.set()
        await it.idle()
        assert it.agents.texts() == ["dig", "plant", "and water"]
        await it.hear(BOB, "hello?")
        await it.idle()
        assert len(it.agents.prompts) == 3
        # Let in again, he begins anew: nothing of what was ended comes back.
        await it.change(access=before)
        await it.ready()
        await it.idle()
        assert len(it.agents.prompts) == 3
        assert (await it.ask(BOB, "back"))[3:] == ["back"]
        assert it.agents.prompts[-1][1].note == ""
        assert not bobs.is_set()


async def test_law_07_a_marked_conversation_of_somebody_who_is_out_is_given_up(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        await ledger.begin((await ledger.say("dig", BOB, origin=_by(BOB))).session_id)
        await ledger.start()
        off = {"enabled": False}
        async with life(ledger, access=TWO, resume=off) as it:
            assert (await ledger.session(1)).state is SessionState.RESUME_PENDING
            await it.change(access=ONE)
            assert (await ledger.session(1)).state is SessionState.ACTIVE
            await it.change(access=TWO, resume={"enabled": True})
            await it.quiet()
            assert it.agents.prompts == []


def _by(person):
    return Origin(ChatKind.DIRECT, person, "Somebody", "7")


async def test_law_07_a_turn_for_somebody_who_is_out_is_stopped(tmp_path):
    async with new_life(tmp_path, access=TWO) as it:
        it.agents.hold()
        await it.hear(BOB, "dig")
        await until(lambda: it.agents.running)
        await it.change(access=ONE)
        assert await states(it, 1) == [TurnState.CANCELLED]


async def test_law_07_what_waited_when_somebody_was_out_is_not_answered_when_they_are_let_in_again(tmp_path):
    """Not by a restart either: they were told nothing of it then, and may have asked elsewhere since."""
    async with opened("sqlite", tmp_path) as ledger:
        async with life(ledger, access=TWO) as it:
            it.agents.hold()
            await it.hear(BOB, "dig")
            await until(lambda: it.agents.running)
            await it.hear(BOB, "and fill")
            await it.change(access=ONE)
            (_, waiting) = await ledger.store.messages(1)
            assert waiting.state is MessageState.WITHDRAWN
        await ledger.start()
        async with life(ledger, access=TWO) as it:
            await it.idle()
            assert it.agents.prompts == []
            assert await it.ask(BOB, "back") == ["back"]
            assert it.agents.prompts[-1][1].note == ""


async def test_law_07_a_file_that_cannot_be_used_takes_nobodys_access_away(tmp_path):
    async with new_life(tmp_path, access=TWO) as it:
        go = it.agents.hold()
        await it.hear(BOB, "dig")
        await until(lambda: it.agents.running)
        await it.hear(BOB, "and fill")
        it.write(access=ONE, agents={"demo": {"env": {"A": "${NOT_SET_HERE}"}}})
        assert isinstance(await it.reload(), Refused)
        await it.quiet()
        assert it.agents.running
        go.set()
        await it.idle()
        assert it.agents.texts() == ["dig", "and fill"]
        assert await states(it, 1) == [TurnState.COMPLETED] * 2


@pytest.mark.parametrize("ready", [True, False])
async def test_law_07_in_a_group_only_what_is_theirs_is_ended(tmp_path, ready):
    access = {**TWO, "groups": {"respond": "always"}}
    async with opened("sqlite", tmp_path) as ledger, life(ledger, ready=ready, access=access) as it:
        go = it.agents.hold()
        for who, text in ((EVE, "one"), (BOB, "two"), (ANN, "three")):
            await it.hear(who, text, **GROUP)
        await until(lambda: it.agents.running)
        await it.change(access=ONE)
        assert it.agents.running, "the turn is about what another one wrote"
        go.set()
        await it.gateway.lanes.all_idle()
        assert it.agents.texts() == [f"P{EVE}: one", f"P{ANN}: three"]


async def test_law_07_what_was_on_its_way_into_the_ledger_is_found_there(tmp_path):
    async with new_life(tmp_path, access=TWO) as it:
        await it.ask(BOB, "hello")
        it.agents.hold()
        with closing(sqlite3.connect(tmp_path / LEDGER_FILE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # nothing can be written until this is over
            hearing = asyncio.ensure_future(it.hear(BOB, "let me in"))
            await it.quiet_without_writing()
            changing = asyncio.ensure_future(it.change(access=ONE))
            await until(lambda: not it.gateway.access.permits(ACCOUNT, BOB))
            await it.quiet_without_writing()
            other.execute("ROLLBACK")
        await hearing
        await changing
        await it.idle()
        (_, waiting) = await it.ledger.store.messages(1)
        began = waiting.state is not MessageState.WITHDRAWN  # in the same moment; then it was stopped
        assert await states(it, 1) == [TurnState.COMPLETED, *([TurnState.CANCELLED] if began else [])]


async def test_administrators_are_told_of_strangers_from_the_moment_that_pairing_is_on(tmp_path):
    async with new_life(tmp_path) as it:
        await it.ask(ANN, "hello")
        await it.ask(BOB, "hello")
        await it.change(access={"default": "pair"})
        await it.change(access={"admins": [f"{ACCOUNT}:{ANN}", f"{ACCOUNT}:{BOB}"]})
        await it.hear(EVE, "may I?")
        await it.gateway.outbox.empty()
        for admin in (ANN, BOB):
            assert EVE in it.chat.texts(admin)[-1]
        await it.change(access={"admins": [f"{ACCOUNT}:{BOB}"]})
        await it.hear("1009", "and I?")
        await it.gateway.outbox.empty()
        assert "1009" in it.chat.texts(BOB)[-1]
        assert "1009" not in it.chat.texts(ANN)[-1]


async def test_a_grant_outlives_a_reload_and_its_end_does_too(tmp_path):
    async with new_life(tmp_path, access={"default": "pair"}) as it:
        await it.hear(EVE, "may I?")
        (pairing,) = await it.ledger.store.pairings(it.clock.now())
        await it.gateway.operations.pair(pairing.code, Role.USER)
        await it.change(access={"default": "deny", "allow": []})
        assert await it.ask(EVE, "hello") == ["hello"]
        await it.gateway.operations.revoke(ACCOUNT, EVE)
        await it.change(access={"groups": {"respond": "always"}})
        assert await it.ask(EVE, "hello again") == ["hello"]
