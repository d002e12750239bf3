"""Who may use the bot at this very moment: codes, approvals, revocations, and what they end."""

import asyncio

import pytest

from gateway.engine import access as engine
from gateway.model.address import ChatKind
from gateway.model.agent import CancelledPrompt, ToolUpdate
from gateway.model.grant import Grant, Role
from gateway.model.message import MessageState, Origin
from gateway.model.operation import Done, Refused
from gateway.model.session import SessionState
from gateway.model.turn import StepStatus
from gateway.ports import LedgerUnavailableError
from gateway.rules import pairing
from gateway.rules.access import AccessPolicy
from gateway.rules.pairing import spelled
from tests.helpers.clock import until
from tests.helpers.doors import ANN, BOB, EVE, doors, fresh_doors
from tests.helpers.fakes import ScriptedAgents
from tests.helpers.ledgers import ACCOUNT, opened
from tests.helpers.onlookers import Balky

HOUR = 3600.0
GARDEN = "-5/beds"


async def states(at, chat):
    """Every message that was accepted in a chat, with its state."""
    store = at.it.ledger.store
    sessions = sorted((s for s in await store.sessions(100) if s.address.chat == chat), key=lambda s: s.id)
    return [(m.text, m.state.value) for s in sessions for m in await store.messages(s.id)]


# Codes.


async def test_a_stranger_is_given_one_code_and_no_agent(tmp_path):
    async with fresh_doors(tmp_path) as at:
        for text in ("hello", "hello?", "/start"):
            await at.hear(EVE, text)
        await at.it.idle()
        (told,) = at.shown(EVE)
        assert spelled(await at.code()) in told
        assert "carryon pair approve" in told
        assert at.it.agents.prompts == []
        assert await at.it.ledger.store.sessions(10) == ()


async def test_in_groups_and_by_buttons_strangers_get_nothing(tmp_path):
    async with fresh_doors(tmp_path) as at:
        await at.hear(EVE, "hello", group=GARDEN)
        await at.hear(EVE, "hello", group="-5")
        await at.hear(EVE, button="go:1:1")
        await at.hear(EVE, button="pair:y:ABCDEFGH")
        await at.it.idle()
        assert at.it.chat.delivered == []
        assert await at.it.ledger.store.pairings(at.it.clock.now()) == ()


@pytest.mark.parametrize("pairing_on", [True, False])
async def test_without_pairing_strangers_are_told_their_id(tmp_path, pairing_on):
    async with fresh_doors(tmp_path, AccessPolicy(pairing=pairing_on)) as at:
        await at.hear(EVE, "hello")
        await at.it.idle()
        (told,) = at.shown(EVE)
        assert ("access.allow" in told) is not pairing_on


async def test_a_new_code_after_an_hour_and_not_before(tmp_path):
    async with fresh_doors(tmp_path) as at:
        await at.hear(EVE, "hello")
        first = await at.code()
        at.it.clock.advance(HOUR - 1)
        await at.hear(EVE, "hello?")
        assert await at.code() == first
        at.it.clock.advance(2)
        assert isinstance(await at.operations.pair(first, Role.USER), Refused)
        await at.hear(EVE, "hello??")
        assert await at.code() != first
        await at.it.idle()
        assert len(at.shown(EVE)) == 2


async def test_codes_are_bounded_for_each_account(tmp_path):
    async with fresh_doors(tmp_path) as at:
        for number in range(pairing.MOST_CODES + 5):
            await at.hear(str(5000 + number), "hello")
        store, now = at.it.ledger.store, at.it.clock.now()
        assert len(await store.pairings(now)) == pairing.MOST_CODES
        await at.it.idle()
        assert len(at.it.chat.delivered) == pairing.MOST_CODES
        assert at.shown(str(5000 + pairing.MOST_CODES)) == []


# Letting in.


@pytest.mark.parametrize("spell", [str, str.lower, spelled, " ".join, lambda c: f" {c[:3]}\u2013{c[3:]}\n"])
async def test_an_approved_person_is_told_once_and_answered(tmp_path, spell):
    async with fresh_doors(tmp_path) as at:
        await at.hear(EVE, "hello")
        code = await at.code()
        assert isinstance(await at.operations.pair(spell(code), Role.USER), Done)
        assert isinstance(await at.operations.pair(code, Role.USER), Refused)
        await at.hear(EVE, "at last")
        await at.it.idle()
        asked, told, answer = at.shown(EVE)
        assert spelled(code) in asked
        assert "let in" in told
        assert answer == "echo at last"
        assert at.access.permits(ACCOUNT, EVE)
        assert not at.access.is_admin(ACCOUNT, EVE)
        assert not at.access.permits("slack", EVE)


async def test_what_was_written_before_the_approval_stays_unanswered(tmp_path):
    async with fresh_doors(tmp_path) as at:
        await at.hear(EVE, "hello", event="first")
        await at.operations.pair(await at.code(), Role.USER)
        await at.hear(EVE, "hello", event="first")
        await at.it.idle()
        assert at.it.agents.prompts == []


async def test_an_administrator_by_grant(tmp_path):
    async with fresh_doors(tmp_path) as at:
        await at.hear(EVE, "hello")
        assert isinstance(await at.operations.pair(await at.code(), Role.ADMIN), Done)
        assert at.access.is_admin(ACCOUNT, EVE)
        await at.hear(EVE, "hello again")
        await at.hear("1004", "let me in")
        await at.it.idle()
        assert any("asks to use this bot" in text for text in at.shown(EVE))
        assert any("as an administrator" in text for text in at.shown(EVE))


@pytest.mark.parametrize("typed", ["", "ABCDEFGH", "0O1I0O1I", "A" * 500, "\0", "ABCD-EFG", "ÄÖÜßÄÖÜß"])
async def test_a_wrong_code_lets_nobody_in(tmp_path, typed):
    async with fresh_doors(tmp_path) as at:
        await at.hear(EVE, "hello")
        outcome = await at.operations.pair(typed, Role.USER)
        assert isinstance(outcome, Refused)
        assert "no such code" in outcome.text
        assert not at.access.permits(ACCOUNT, EVE)


async def test_grants_hold_after_a_start(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        async with doors(ledger) as at:
            await at.hear(EVE, "hello")
            await at.operations.pair(await at.code(), Role.USER)
        await ledger.start()
        async with doors(ledger, ready=False) as at:
            assert not at.access.permits(ACCOUNT, EVE), "nothing was loaded"
            await at.hear(EVE, "still me")  # read back before the account is ready
            await at.intake.ready(ACCOUNT)
            await at.it.idle()
            assert at.it.agents.texts() == ["still me"]


async def test_law_01_what_a_person_let_in_by_a_grant_has_waiting_is_answered_after_a_start(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        await ledger.store.grant(Grant(ACCOUNT, EVE, "Eve", Role.USER, "operator", 1.0))
        await ledger.say("dig", EVE, origin=origin(EVE))
        await ledger.start()
        async with doors(ledger, ready=False) as at:
            await at.intake.ready(ACCOUNT)  # nothing came that would have had the grants read before
            await at.it.idle()
            assert at.it.agents.texts() == ["dig"]


async def test_nobody_is_let_in_by_a_ledger_that_cannot_be_written(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        ledger.store = Balky(ledger.store)
        async with doors(ledger) as at:
            await at.hear(EVE, "hello")
            code = await at.code()
            ledger.store.full["grant"] = 1
            with pytest.raises(LedgerUnavailableError):
                await at.operations.pair(code, Role.USER)
            assert not at.access.permits(ACCOUNT, EVE)
            assert isinstance(await at.operations.pair(code, Role.USER), Done)


# Buttons.


async def asked_of_ann(at):
    """Ann is known to the bot, and Eve asks to be let in."""
    await at.hear(ANN, "hi")
    await at.it.idle()
    await at.hear(EVE, "hello", author_name="Eve [x](http://y.example) <b>")
    await at.it.idle()


async def press(at, who, data, **more):
    await at.hear(who, button=data, **more)
    await at.settled()
    await at.it.idle()


def edits(at):
    """What became of messages, by their platform ids."""
    return dict(at.it.chat.edited)


def notice_of(at, admin):
    """The platform id of the last notice with buttons in a chat."""
    tried = at.it.chat.tried
    return [f"m{n}" for n, one in enumerate(tried, 1) if one.route.chat == admin and one.buttons][-1]


async def test_administrators_are_told_and_let_in_by_a_button(tmp_path):
    async with fresh_doors(tmp_path) as at:
        await asked_of_ann(at)
        asks = at.shown(ANN)[-1]
        assert asks == f"Eve x http y example b ({EVE}) asks to use this bot."
        assert not any("asks" in text for text in at.shown(BOB) + at.shown(EVE))
        yes = at.button(ANN, "Let in")
        assert len(yes.encode()) <= 64
        said = at.shown(ANN)
        await press(at, ANN, yes)
        assert at.shown(ANN) == said, "the notice itself says what came of it"
        assert edits(at) == {notice_of(at, ANN): f"Eve x http y example b ({EVE}) was let in."}
        assert at.access.permits(ACCOUNT, EVE)
        assert len([text for text in at.shown(EVE) if "let in:" in text]) == 2  # the code, and the news
        await press(at, ANN, yes)
        assert at.shown(ANN)[-1] == pairing.TOO_LATE
        (grant,) = await at.it.ledger.store.grants()
        assert (grant.person, grant.role, grant.by) == (EVE, Role.USER, f"{ACCOUNT}:{ANN}")


async def test_who_is_refused_gets_no_other_code_for_a_day(tmp_path):
    async with fresh_doors(tmp_path) as at:
        await asked_of_ann(at)
        yes, no = at.button(ANN, "Let in"), at.button(ANN, "Refuse")
        await press(at, ANN, no)
        assert edits(at) == {notice_of(at, ANN): f"Eve x http y example b ({EVE}) was refused."}
        await press(at, ANN, yes)
        assert at.shown(ANN)[-1] == pairing.TOO_LATE
        at.it.clock.advance(2 * HOUR)
        await at.hear(EVE, "please")
        await at.it.idle()
        assert len(at.shown(EVE)) == 1
        assert not at.access.permits(ACCOUNT, EVE)
        at.it.clock.advance(24 * HOUR)
        await at.hear(EVE, "please")
        await at.it.idle()
        assert len(at.shown(EVE)) == 2


@pytest.mark.parametrize("running", [True, False])
async def test_all_administrators_read_what_came_of_it_wherever_it_was_decided(tmp_path, running):
    """By the command line, of a running gateway or of a stopped one: then it is told at the next start."""
    policy = AccessPolicy(admins=(f"{ACCOUNT}:{ANN}", f"{ACCOUNT}:{BOB}"), pairing=True)
    async with opened("sqlite", tmp_path) as ledger:
        async with doors(ledger, policy) as at:
            await at.hear(BOB, "hi")
            await asked_of_ann(at)
            code, notices = await at.code(), {notice_of(at, ANN), notice_of(at, BOB)}
            if running:
                await at.operations.pair(code, Role.ADMIN)
                await at.it.idle()
                shown = edits(at)
        if not running:
            await engine.grant_by_code(ledger.store, code, Role.ADMIN, engine.OPERATOR, ledger.tick())
            await ledger.start()
            async with doors(ledger, policy) as at:
                await at.it.idle()
                shown = edits(at)
                assert [text for text in at.shown(EVE) if "let in" in text], "so is the news"
        assert set(shown) == notices
        assert set(shown.values()) == {f"Eve x http y example b ({EVE}) was let in, as an administrator."}


async def test_an_administrator_who_is_told_when_it_is_decided_already_is_not_asked(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        ledger.store = Balky(ledger.store)
        async with doors(ledger) as at:
            await at.hear(ANN, "hi")
            await at.it.idle()
            gate = ledger.store.before["notify"] = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(at.hear(EVE, "hello"))
                await until(lambda: ledger.store.reached["notify"])
                group.create_task(at.operations.pair(await at.code(), Role.USER))
                await at.it.quiet()
                gate.set()
            await at.it.idle()
            notice = [one for one in at.it.chat.tried if one.buttons]
            assert len(edits(at)) == len(notice), "it was dropped, or says what came of it"


async def test_of_a_code_that_was_used_nobody_is_told_any_more(tmp_path):
    async with fresh_doors(tmp_path) as at:
        await at.hear(EVE, "hello")
        pairings = await at.it.ledger.store.pairings(at.it.clock.now())
        await at.operations.pair(pairings[0].code, Role.USER)
        await at.hear(ANN, "hi")
        await at.access.announce(pairings)
        await at.it.idle()
        assert not [one for one in at.it.chat.tried if one.buttons]


async def test_only_administrators_decide_and_at_the_moment_of_the_press(tmp_path):
    async with fresh_doors(tmp_path) as at:
        await asked_of_ann(at)
        yes = at.button(ANN, "Let in")
        await press(at, BOB, yes)
        assert at.shown(BOB) == [pairing.ADMINS_ONLY]
        await press(at, EVE, yes)
        assert len(at.shown(EVE)) == 1
        assert not at.access.permits(ACCOUNT, EVE)


async def test_an_administrator_who_was_revoked_decides_nothing(tmp_path):
    async with fresh_doors(tmp_path) as at:
        await at.hear("1004", "hello")
        await at.operations.pair(await at.code(), Role.ADMIN)
        await at.hear("1004", "hi")
        await at.hear(EVE, "hello")
        await at.it.idle()
        yes = at.button("1004", "Let in")
        await at.operations.revoke(ACCOUNT, "1004")
        await press(at, "1004", yes)
        assert not at.access.permits(ACCOUNT, EVE)


async def test_a_press_that_was_accepted_before_its_author_was_revoked_does_nothing(tmp_path):
    async with fresh_doors(tmp_path) as at:
        await at.it.ledger.store.grant(Grant(ACCOUNT, "1004", "Dan", Role.ADMIN, "operator", 1.0))
        at.access._loaded = False
        await at.access.load()
        await at.hear("1004", "hi")
        await at.hear(EVE, "hello")
        await at.it.idle()
        data = at.button("1004", "Let in")
        said = await at.it.ledger.say(data, "1004", origin=origin("1004"), kind="button")
        await at.operations.revoke(ACCOUNT, "1004")
        assert await at.commands._parts.buttons.press(said) == ""
        assert not at.access.permits(ACCOUNT, EVE)


def origin(who, kind=ChatKind.DIRECT):
    return Origin(kind, who, f"P{who}")


async def test_wrong_codes_in_the_chat_are_limited_and_not_on_the_command_line(tmp_path):
    async with fresh_doors(tmp_path) as at:
        await asked_of_ann(at)
        yes = at.button(ANN, "Let in")
        for number in range(engine.GUESSES.count):
            at.it.clock.advance(1)
            await press(at, ANN, f"pair:y:ABCDEFG{pairing.ALPHABET[number]}")
            assert at.shown(ANN)[-1] == pairing.TOO_LATE
        await press(at, ANN, yes)
        assert at.shown(ANN)[-1] == pairing.TOO_MANY
        for _ in range(30):
            assert isinstance(await at.operations.pair("ABCDEFGH", Role.USER), Refused)
        at.it.clock.advance(engine.GUESSES.seconds)
        await press(at, ANN, yes)
        assert at.access.permits(ACCOUNT, EVE)


@pytest.mark.parametrize(
    "data", ["pair:", "pair:y", "pair:y:", "pair:x:{}", "pair:y:{}:z", "pair:{}", "pair:n:ABCDEFGH"]
)
async def test_malformed_data_is_too_late(tmp_path, data):
    async with fresh_doors(tmp_path) as at:
        await asked_of_ann(at)
        await press(at, ANN, data.format(await at.code()))
        assert at.shown(ANN)[-1] == pairing.TOO_LATE
        assert not at.access.permits(ACCOUNT, EVE)


async def test_an_administrator_of_one_account_decides_nothing_on_another(tmp_path):
    async with fresh_doors(tmp_path) as at:
        await asked_of_ann(at)
        about = at.button(ANN, "Let in").removeprefix("pair:")
        assert await at.access.pressed("slack", ANN, about) == pairing.ADMINS_ONLY
    everywhere = AccessPolicy(admins=(f"{ACCOUNT}:{ANN}", f"slack:{ANN}"), pairing=True)
    async with fresh_doors(tmp_path / "two", everywhere) as at:
        await asked_of_ann(at)
        about = at.button(ANN, "Let in").removeprefix("pair:")
        assert await at.access.pressed("slack", ANN, about) == pairing.TOO_LATE
        assert await at.it.ledger.store.grants() == ()


async def test_after_a_start_administrators_are_found_in_the_ledger(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        async with doors(ledger) as at:
            await at.hear(ANN, "hi")
            await at.it.idle()
        await ledger.start()
        async with doors(ledger) as at:
            await at.hear(EVE, "hello")
            await at.it.idle()
            assert at.shown(ANN)[-1] == f"P{EVE} ({EVE}) asks to use this bot."


async def test_a_notice_that_cannot_be_written_does_not_keep_the_code_from_being_given(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        ledger.store = Balky(ledger.store)
        async with doors(ledger) as at:
            await at.hear(ANN, "hi")
            await at.it.idle()
            ledger.store.full["notify"] = 1
            await at.hear(EVE, "hello")
            await at.it.idle()
            assert len(at.shown(EVE)) == 1


# Revoking.


async def let_in(at, who=EVE):
    await at.hear(who, "hello")
    assert isinstance(await at.operations.pair(await at.code(), Role.USER), Done)
    await at.it.idle()


async def test_revoking_ends_what_runs_and_what_waits_and_nothing_is_taken_up_again(tmp_path):
    agents = ScriptedAgents()
    async with opened("sqlite", tmp_path) as ledger:
        async with doors(ledger, agents=agents) as at:
            await let_in(at)
            agents.hold(on_cancel=CancelledPrompt())
            await at.hear(EVE, "dig")
            await at.it.at_work()
            await at.hear(EVE, "and fill")
            before = len(at.shown(EVE))
            outcome = await at.operations.revoke(ACCOUNT, EVE)
            assert isinstance(outcome, Done)
            assert "may no longer" in outcome.text
            await at.it.idle()
            assert agents.texts() == ["dig"]
            assert agents.cancelled
            assert not agents.running
            assert await states(at, EVE) == [("dig", "taken"), ("and fill", "withdrawn")]
            assert len(at.shown(EVE)) == before
            await at.intake.ready(ACCOUNT)
            await at.it.idle()
            assert isinstance(await at.operations.revoke(ACCOUNT, EVE), Refused)
        await ledger.start()
        async with doors(ledger, agents=agents) as at:
            await at.it.quiet()
            await at.it.idle()
            assert agents.texts() == ["dig"]


async def test_who_was_cut_off_gets_no_code_for_a_day_and_nobody_is_asked(tmp_path):
    async with fresh_doors(tmp_path) as at:
        await at.hear(ANN, "hi")
        await let_in(at)
        told, asked = len(at.shown(EVE)), len(at.shown(ANN))
        await at.operations.revoke(ACCOUNT, EVE)
        for seconds in (0, 2 * HOUR, 21 * HOUR):
            at.it.clock.advance(seconds)
            await at.hear(EVE, "please")
        await at.it.idle()
        assert (len(at.shown(EVE)), len(at.shown(ANN))) == (told, asked)
        at.it.clock.advance(2 * HOUR)
        await at.hear(EVE, "please")
        await at.it.idle()
        assert (len(at.shown(EVE)), len(at.shown(ANN))) == (told + 1, asked + 1)


async def test_others_in_the_conversation_go_on_without_them(tmp_path):
    agents = ScriptedAgents()
    async with fresh_doors(tmp_path, agents=agents) as at:
        await let_in(at)
        agents.hold(on_cancel=CancelledPrompt())
        await at.hear(EVE, "dig", group=GARDEN)
        await at.it.at_work()
        await at.hear(EVE, "and fill", group=GARDEN)
        await at.hear(BOB, "and me?", group=GARDEN)
        await at.operations.revoke(ACCOUNT, EVE)
        await at.it.idle()
        assert agents.texts() == [f"P{EVE}: dig", f"P{BOB}: and me?"]


async def test_the_turn_of_somebody_else_in_the_conversation_runs_on(tmp_path):
    agents = ScriptedAgents()
    async with fresh_doors(tmp_path, agents=agents) as at:
        await let_in(at)
        held = agents.hold(on_cancel=CancelledPrompt())
        await at.hear(BOB, "sing", group=GARDEN)
        await at.it.at_work()
        await at.hear(EVE, "and dance", group=GARDEN)
        await at.operations.revoke(ACCOUNT, EVE)
        assert agents.cancelled == []
        held.set()
        await at.it.idle()
        assert agents.texts() == [f"P{BOB}: sing"]


async def test_an_interrupted_conversation_of_theirs_is_given_up(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        await ledger.store.grant(Grant(ACCOUNT, EVE, "Eve", Role.USER, "operator", 1.0))
        said = await ledger.say("dig", EVE, origin=origin(EVE))
        await ledger.begin(said.session_id)
        await ledger.start()
        async with doors(ledger, ready=False) as at:
            await at.operations.revoke(ACCOUNT, EVE)
            await at.intake.ready(ACCOUNT)
            await at.it.quiet()
            await at.it.idle()
            assert at.it.agents.prompts == []
            assert (await ledger.session(said.session_id)).state is SessionState.ACTIVE


async def test_who_is_in_the_config_too_is_not_cut_off(tmp_path):
    agents = ScriptedAgents()
    async with fresh_doors(tmp_path, agents=agents) as at:
        await at.it.ledger.store.grant(Grant(ACCOUNT, BOB, "Bob", Role.USER, "operator", 1.0))
        agents.hold(on_cancel=CancelledPrompt())
        await at.hear(BOB, "sing")
        await at.it.at_work()
        outcome = await at.operations.revoke(ACCOUNT, BOB)
        assert isinstance(outcome, Done)
        assert "still by the config" in outcome.text
        assert agents.cancelled == []
        outcome = await at.operations.revoke(ACCOUNT, BOB)
        assert isinstance(outcome, Refused)
        assert "by the config" in outcome.text


async def test_an_event_that_came_in_the_moment_of_a_revocation_is_taken_back(tmp_path):
    """It was decided about by the old policy, and is committed in the same group as the revocation."""
    async with fresh_doors(tmp_path) as at:
        await let_in(at)
        async with asyncio.TaskGroup() as group:
            group.create_task(at.hear(EVE, "quick"))
            group.create_task(at.operations.revoke(ACCOUNT, EVE))
        await at.it.quiet()
        await at.it.idle()
        assert at.it.agents.running == {}
        assert all(state != MessageState.WAITING for _, state in await states(at, EVE))


# A config that was changed before a start.


async def test_law_07_what_somebody_has_waiting_whom_the_config_dropped_is_taken_back(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        await ledger.say("mine", BOB, origin=origin(BOB))
        await ledger.say("ours", "-5", thread="beds", origin=origin(BOB, ChatKind.GROUP))
        await ledger.say("hers", "-5", thread="beds", origin=origin(ANN, ChatKind.GROUP))
        await ledger.start()
        async with doors(ledger, AccessPolicy(allow=(f"{ACCOUNT}:{ANN}",))) as at:
            await at.it.quiet()
            await at.it.idle()
            assert at.it.agents.texts() == ["hers"]
            assert await states(at, BOB) == [("mine", "withdrawn")]
            assert await states(at, "-5") == [("ours", "withdrawn"), ("hers", "taken")]


@pytest.mark.parametrize("waits", [True, False])
async def test_law_07_a_dropped_persons_request_is_not_finished_for_somebody_else(tmp_path, waits):
    async with opened("sqlite", tmp_path) as ledger:
        said = await ledger.say("dig", "-5", thread="beds", origin=origin(BOB, ChatKind.GROUP))
        await ledger.begin(said.session_id)
        if waits:
            await ledger.say("hello", "-5", thread="beds", origin=origin(ANN, ChatKind.GROUP))
        await ledger.start()
        async with doors(ledger, AccessPolicy(allow=(f"{ACCOUNT}:{ANN}",))) as at:
            if not waits:
                await at.hear(ANN, "hello", group=GARDEN)
            await at.it.quiet()
            await at.it.idle()
            ((_, prompt),) = at.it.agents.prompts
            assert "hello" in prompt.text
            assert "stopped" in prompt.note
            assert "Finish" not in prompt.note


async def test_law_07_a_dropped_person_who_wrote_after_somebody_else_was_cut_short(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        said = await ledger.say("sing", "-5", thread="beds", origin=origin(ANN, ChatKind.GROUP))
        await ledger.begin(said.session_id)
        await ledger.say("dig", "-5", thread="beds", origin=origin(BOB, ChatKind.GROUP))
        await ledger.start()
        async with doors(ledger, AccessPolicy(allow=(f"{ACCOUNT}:{ANN}",))) as at:
            await at.it.quiet()
            await at.it.idle()
            ((_, prompt),) = at.it.agents.prompts
            assert prompt.text == ""
            assert "sing" in prompt.note
            assert "dig" not in prompt.note


async def test_what_they_asked_is_not_finished_because_somebody_else_asks_to_go_on(tmp_path):
    agents = ScriptedAgents()
    async with fresh_doors(tmp_path, agents=agents) as at:
        await let_in(at)
        digs = ToolUpdate("t1", "dig", "execute", StepStatus.RUNNING)
        agents.hold(updates=(digs,), on_cancel=CancelledPrompt())
        await at.hear(EVE, "dig", group=GARDEN)
        await at.it.at_work()
        await at.operations.revoke(ACCOUNT, EVE)
        await at.hear(BOB, "", group=GARDEN, command="resume")
        await at.settled()
        await at.it.idle()
        assert agents.texts() == [f"P{EVE}: dig"]
        await at.hear(BOB, "hello", group=GARDEN)
        await at.it.idle()
        assert "dig" not in agents.prompts[-1][1].note
