"""Turns, drains and resumes in the whole engine, on a real ledger."""

import asyncio
import itertools
from dataclasses import replace

import pytest

from gateway.engine.drain import CUT_NOTICE
from gateway.engine.endings import GAVE_UP, INTERNAL_ERROR, KEPT, REFUSED, SAID_NOTHING, TRY_AGAIN, Cut
from gateway.model.agent import (
    AgentFailed,
    CancelledPrompt,
    Ended,
    OpenFailed,
    TextChunk,
    ToolUpdate,
)
from gateway.model.operation import Intent, StopRequest
from gateway.model.session import Reason, SessionState
from gateway.model.turn import TurnState
from gateway.rules.note import NOTE_MARKER
from gateway.rules.recovery import ResumePolicy
from tests.helpers.clock import until
from tests.helpers.fakes import Answer, ScriptedAgents
from tests.helpers.house import fresh_house, house
from tests.helpers.ledgers import opened

NOW = StopRequest(Intent.STOP, 0.0)


async def last_turn(it, chat="1001"):
    return (await it.ledger.store.turns(await it.session_of(chat)))[-1]


async def session(it, chat="1001"):
    return await it.ledger.session(await it.session_of(chat))


async def test_a_message_is_answered(tmp_path):
    async with fresh_house(tmp_path) as it:
        await it.hear("hello")
        await it.idle()
        assert it.chat.texts() == ["echo hello"]
        assert (await last_turn(it)).state is TurnState.COMPLETED


async def test_law_10_messages_are_answered_one_by_one_in_order(tmp_path):
    async with fresh_house(tmp_path) as it:
        held = it.agents.hold()
        for text in ("one", "two", "three"):
            await it.hear(text)
        await it.at_work()
        await it.quiet()
        assert it.agents.texts() == ["one"]
        held.set()
        await it.idle()
        assert it.agents.texts() == ["one", "two", "three"]
        assert it.agents.most_at_once == 1


async def test_law_02_a_redelivered_message_is_answered_once(tmp_path):
    async with fresh_house(tmp_path) as it:
        for _ in range(3):
            await it.hear("hello", event="900")
            await it.idle()
        assert it.chat.texts() == ["echo hello"]


ENDS = {
    "completed": Ended("end_turn"),
    "refused": Ended("refusal"),
    "cancelled by itself": Ended("cancelled"),
    "cancelled": CancelledPrompt(),
    "failed": AgentFailed("It broke.", "detail", lost=False),
    "lost": AgentFailed("It is gone.", "detail", lost=True),
}


def expected(end, cut):
    """State, session's reason and the reply's last line: the table of ends, in one place."""
    if end in ("completed", "refused"):
        return TurnState.COMPLETED, None, SAID_NOTHING if end == "completed" else REFUSED
    if cut is Cut.DRAIN:
        return TurnState.INTERRUPTED, Reason.DRAIN_TIMEOUT, None
    if cut is Cut.OPERATOR:
        return TurnState.INTERRUPTED, Reason.MANUAL, None
    if cut is Cut.NEWER:
        return TurnState.SUPERSEDED, Reason.SUPERSEDED, None
    if cut is Cut.USER:
        return TurnState.CANCELLED, None, None
    return {
        "cancelled by itself": (TurnState.FAILED, Reason.AGENT_FAILED, f"{GAVE_UP} {TRY_AGAIN}"),
        "cancelled": (TurnState.FAILED, Reason.AGENT_FAILED, f"{GAVE_UP} {TRY_AGAIN}"),
        "failed": (TurnState.FAILED, Reason.AGENT_FAILED, f"⚠ It broke. {TRY_AGAIN}"),
        "lost": (TurnState.FAILED, Reason.AGENT_LOST, "⚠ It is gone."),
    }[end]


@pytest.mark.parametrize(("end", "cut"), list(itertools.product(ENDS, [None, *Cut])))
async def test_how_a_turn_ends(tmp_path, end, cut):
    async with fresh_house(tmp_path) as it:
        held = it.agents.hold(updates=(), end=ENDS[end], on_cancel=ENDS[end])
        await it.hear("go")
        await it.at_work()
        session_id = await it.session_of()
        if cut:
            assert await it.turns.cut(session_id, cut)
        else:
            held.set()
        await it.idle()
        state, reason, reply = expected(end, cut)
        assert (await last_turn(it)).state is state
        assert (await session(it)).reason == reason
        assert it.chat.texts() == ([reply] if reply else [])


async def test_what_was_said_before_a_failure_is_not_thrown_away(tmp_path):
    async with fresh_house(tmp_path) as it:
        it.agents.answers.append(
            Answer((TextChunk("half an answer"),), AgentFailed("It broke.", "", lost=False))
        )
        await it.hear("go")
        await it.idle()
        assert it.chat.texts() == [f"half an answer\n\n⚠ It broke. {TRY_AGAIN}"]


async def test_a_request_that_failed_is_tried_again_when_a_person_says_so(tmp_path):
    async with fresh_house(tmp_path) as it:
        failed = Answer((), AgentFailed("It broke.", "", lost=False))
        it.agents.answers.extend([failed, Answer((TextChunk("fine"),)), failed])
        for text in ("one", "two", "three"):
            await it.hear(text)
            await it.idle()
        await it.hear("", command="resume")
        await until(lambda: len(it.agents.prompts) == 4)
        await it.idle()
        notes = [prompt.note for _, prompt in it.agents.prompts]
        assert (notes[0], notes[2]) == ("", "")
        assert "Do not go on with it" in notes[1], "else it would fail every message to come"
        assert "Finish that request now" in notes[3]
        assert it.agents.texts() == ["one", "two", "three", ""]


async def test_a_bug_ends_the_turn_and_not_the_conversation(tmp_path):
    async with fresh_house(tmp_path) as it:
        it.agents.answers.append(Answer((), ValueError("a bug")))
        await it.hear("one")
        await it.hear("two")
        await it.idle()
        assert it.chat.texts() == [INTERNAL_ERROR, KEPT.format(1)]
        await it.hear("three")
        await it.idle()
        assert it.agents.texts()[1:] == ["two", "three"]


@pytest.mark.parametrize("lost", [False, True])
async def test_an_error_stops_the_lane_and_keeps_the_queue(tmp_path, lost):
    async with fresh_house(tmp_path) as it:
        held = it.agents.hold(updates=(), end=AgentFailed("It broke.", "", lost=lost))
        for text in ("one", "two", "three"):
            await it.hear(text)
        await it.at_work()
        held.set()
        await it.idle()
        assert it.agents.texts() == ["one"]
        assert it.chat.texts()[-1] == KEPT.format(2)
        await it.hear("", command="resume")
        await until(lambda: len(it.agents.prompts) == 3)
        await it.idle()
        assert it.agents.texts() == ["one", "two", "three"]
        note = it.agents.prompts[1][1].note
        assert NOTE_MARKER in note, "the request that failed is told of with the next one"
        assert not it.agents.prompts[2][1].note


async def test_an_agent_that_cannot_be_opened_is_said_so(tmp_path):
    async with fresh_house(tmp_path) as it:
        it.agents.openings.append(OpenFailed("It is not installed.", "no such file"))
        await it.hear("one")
        await it.idle()
        assert it.chat.texts() == [f"⚠ It is not installed. {TRY_AGAIN}"]
        assert (await last_turn(it)).state is TurnState.FAILED


async def test_long_answers_come_in_pieces(tmp_path):
    async with fresh_house(tmp_path) as it:
        it.agents.answers.append(Answer((TextChunk("word " * 2_000),)))
        await it.hear("go")
        await it.idle()
        assert len(it.chat.texts()) == 3
        assert " ".join(it.chat.texts()).split() == ["word"] * 2_000


async def test_law_10_an_explicit_stop_wins_over_a_rerun(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        await ledger.interrupted()
        async with house(ledger) as it:
            await it.hear("", command="stop")
            await it.quiet()
            await it.ready()
            await it.quiet()
            await it.idle()
            assert it.agents.prompts == []


async def test_stop_cancels_what_runs(tmp_path):
    async with fresh_house(tmp_path) as it:
        it.agents.hold()
        await it.hear("go")
        await it.at_work()
        await it.hear("", command="stop")
        await until(lambda: it.chat.texts() == ["Stopped."])
        assert (await last_turn(it)).state is TurnState.CANCELLED


async def stopped(it, request=NOW):
    """Run a drain to its end."""
    running = asyncio.ensure_future(it.drain.run())
    it.drain.stop(request)
    return await running


async def test_law_06_a_turn_is_marked_before_it_is_cut(tmp_path):
    """The marks are in the ledger when the first agent hears of the cut."""
    seen = []

    class Watching(ScriptedAgents):
        async def cancel(self, session_id):
            found = await watched.ledger.session(session_id)
            turns = await watched.ledger.store.turns(session_id)
            seen.append((found.state, found.reason, turns[-1].state))
            await super().cancel(session_id)

    async with fresh_house(tmp_path, agents=Watching()) as it:
        watched = it
        it.agents.hold()
        await it.hear("go")
        await it.at_work()
        assert (await stopped(it)).clean
    assert seen == [(SessionState.RESUME_PENDING, Reason.DRAIN_TIMEOUT, TurnState.RUNNING)]


async def test_a_drain_cuts_marks_tells_and_leaves_the_marker(tmp_path):
    async with fresh_house(tmp_path) as it:
        it.agents.hold()
        await it.hear("go")
        await it.at_work()
        result = await stopped(it)
        assert (result.intent, result.clean) == (Intent.STOP, True)
        assert (await last_turn(it)).state is TurnState.INTERRUPTED
        assert (await session(it)).reason == Reason.DRAIN_TIMEOUT
        assert it.chat.texts() == [CUT_NOTICE[Intent.STOP]]
        assert it.agents.closed
        opening = await it.ledger.start()
        assert (opening.dead_boots, opening.interrupted_turns) == (0, 0)


async def test_law_02_a_completion_during_the_cut_is_kept(tmp_path):
    async with fresh_house(tmp_path) as it:
        it.agents.hold(updates=(TextChunk("just in time"),), on_cancel=Ended("end_turn"))
        await it.hear("go")
        await it.at_work()
        await stopped(it)
        assert (await last_turn(it)).state is TurnState.COMPLETED
        assert (await session(it)).state is SessionState.ACTIVE
        assert "just in time" in it.chat.texts()


async def test_a_drain_waits_for_turns_and_admits_none(tmp_path):
    async with fresh_house(tmp_path) as it:
        held = it.agents.hold(updates=(TextChunk("finished"),))
        await it.hear("go")
        await it.at_work()
        draining = asyncio.ensure_future(it.drain.run())
        it.drain.stop(replace(NOW, wait=3600.0))
        await it.quiet()
        await it.hear("kept for later", chat="2")
        await it.quiet()
        assert it.agents.cancelled == []
        held.set()
        assert (await draining).clean
        assert it.chat.texts() == ["finished"]
        assert it.agents.texts() == ["go"]
        assert (await it.ledger.candidate(await it.session_of("2"))).waiting == 1


async def test_a_second_request_skips_the_wait_but_not_the_marks(tmp_path):
    async with fresh_house(tmp_path) as it:
        it.agents.hold()
        await it.hear("go")
        await it.at_work()
        draining = asyncio.ensure_future(it.drain.run())
        it.drain.stop(replace(NOW, wait=3600.0))
        await it.quiet()
        it.drain.stop(NOW)
        assert (await draining).clean
        assert (await session(it)).reason == Reason.DRAIN_TIMEOUT


async def test_law_05_after_a_drain_the_work_is_gone_on_with_and_told_once(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        async with house(ledger) as it:
            await it.ready()
            it.agents.hold(updates=(ToolUpdate("t", "rm -rf build"),))
            await it.hear("clean up")
            await it.at_work()
            await stopped(it)
        await ledger.start()
        async with house(ledger) as it:
            await it.ready()
            await it.quiet()
            await it.idle()
            ((_, prompt),) = it.agents.prompts
        assert prompt.text == ""
        assert prompt.note.count(NOTE_MARKER) == 1
        assert "rm -rf build" in prompt.note


async def test_law_04_recovery_uses_the_same_lane_and_the_next_message_carries_the_note(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        await ledger.interrupted("dig a well")
        async with house(ledger) as it:
            await it.hear("are you there?")
            await it.ready()
            await it.idle()
            await it.quiet()
            ((_, prompt),) = it.agents.prompts
        assert prompt.text == "are you there?"
        assert prompt.note.count(NOTE_MARKER) == 1


async def test_law_01_a_first_message_that_was_committed_and_no_more_is_answered(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        await ledger.say("hello")
        await ledger.start()
        async with house(ledger) as it:
            await it.ready()
            await it.idle()
            assert it.chat.texts() == ["echo hello"]


async def many_interrupted(ledger, count):
    for number in range(count):
        said = await ledger.say("work", f"{number}")
        await ledger.begin(said.session_id)
    await ledger.start()


async def test_resumes_are_bounded_and_do_not_hold_up_new_messages(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        await many_interrupted(ledger, 6)
        async with house(ledger, concurrency=2) as it:
            gates = [it.agents.hold() for _ in range(2)]
            await it.ready()
            await it.at_work(2)
            await it.quiet()
            assert len(it.agents.prompts) == 2
            await it.hear("new here", chat="new")
            await until(lambda: it.chat.texts("new") == ["echo new here"])
            for gate in gates:
                gate.set()
            await it.quiet()
            await until(lambda: len(it.agents.prompts) == 7)
            await it.idle()
        assert it.agents.most_at_once == 3


async def test_a_reconnect_schedules_nothing_twice(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        await many_interrupted(ledger, 2)
        async with house(ledger) as it:
            for _ in range(3):
                await it.ready()
            await it.idle()
            await it.ready()
            await it.quiet()
            await it.idle()
            assert sorted(session_id for session_id, _ in it.agents.prompts) == [1, 2]


async def test_law_08_a_session_whose_last_resume_runs_is_not_suspended_by_a_reconnect(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        start = await ledger.interrupted()
        for _ in range(2):
            await ledger.store.schedule_resumes([start.session.id], ledger.tick())
            await ledger.begin(start.session.id)
            await ledger.start()
        async with house(ledger) as it:
            held = it.agents.hold()
            await it.ready()
            await it.at_work()
            await it.ready()
            await it.quiet()
            found = await session(it)
            assert (found.state, found.resume_attempts) == (SessionState.RESUME_PENDING, 3)
            held.set()
            await it.idle()
            assert (await session(it)).state is SessionState.ACTIVE


async def test_law_08_a_session_that_keeps_being_cut_is_suspended_and_told(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        start = await ledger.interrupted()
        for _ in range(3):
            await ledger.store.schedule_resumes([start.session.id], ledger.tick())
            await ledger.begin(start.session.id)
            await ledger.start()
        policy = ResumePolicy(breaker_boots=99)
        async with house(ledger, resume=policy) as it:
            await it.ready()
            await it.idle()
            assert it.agents.prompts == []
            found = await session(it)
            assert (found.state, found.reason) == (SessionState.SUSPENDED, Reason.RESUME_LOOP)
            assert len(it.chat.texts()) == 1
            await it.hear("still there?", chat="2")
            await it.idle()
            assert it.chat.texts("2") == ["echo still there?"]


async def test_law_08_after_too_many_crashes_the_gateway_serves_and_resumes_nothing(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        await ledger.interrupted()
        for _ in range(4):
            await ledger.start()
        async with house(ledger) as it:
            assert it.resumer.tripped
            await it.ready()
            await it.quiet()
            assert it.agents.prompts == []
            await it.hear("are you there?")
            await it.idle()
            assert NOTE_MARKER in it.agents.prompts[0][1].note


async def test_law_12_how_a_conversation_was_continued_is_stored(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        for text in ("one", "two"):
            async with house(ledger) as it:
                await it.ready()
                await it.hear(text)
                await it.idle()
            await ledger.start()
        modes = [turn.resume_mode for turn in await ledger.store.turns(1)]
        assert modes == ["fresh", "native"]


async def test_a_command_that_waits_is_carried_out_once_when_the_account_becomes_ready(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        await ledger.command("status")
        await ledger.start()
        async with house(ledger) as it:
            await it.ready()
            await it.ready()
            await it.quiet()
            await it.idle()
            assert len(it.chat.texts()) == 1
            assert await ledger.store.waiting_commands("telegram") == ()
