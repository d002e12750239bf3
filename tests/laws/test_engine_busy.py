"""What a message does while the agent is at work: `sessions.busy`."""

import pytest

from gateway.engine.choices import Chosen
from gateway.model.address import ChatKind
from gateway.model.agent import AgentFailed, Ended, Opened, TextChunk, ToolUpdate
from gateway.model.choices import Settings
from gateway.model.message import Inbound
from gateway.model.session import Reason, ResumeMode
from gateway.model.turn import StepStatus, TurnState
from gateway.ports import Batch
from tests.helpers.clock import until
from tests.helpers.fakes import Answer
from tests.helpers.house import fresh_house, house
from tests.helpers.ledgers import ACCOUNT, opened

ROOM = "-500"


async def turns(it, chat="1001"):
    return await it.ledger.store.turns(await it.session_of(chat))


async def said_in_a_room(it, person: str, text: str) -> None:
    event = f"e{next(it.ledger.events)}"
    inbound = Inbound(event, ROOM, ChatKind.GROUP, person, person, text, it.clock.now(), "t1", to_bot=True)
    await it.intake.accept(Batch(ACCOUNT, (inbound,), {"": event}))


async def test_interrupt_a_newer_message_counts_instead(tmp_path):
    async with fresh_house(tmp_path, busy="interrupt") as it:
        running = ToolUpdate("c1", "dig", "execute", StepStatus.RUNNING)
        it.agents.hold(updates=(TextChunk("Once"), running))
        await it.hear("tell me a story")
        await it.at_work()
        await it.hear("no, a joke")
        await until(lambda: len(it.agents.prompts) == 2)
        await it.idle()
        first, second = await turns(it)
        assert (first.state, first.reason, second.state) == (
            TurnState.SUPERSEDED, Reason.SUPERSEDED, TurnState.COMPLETED,
        )  # fmt: skip
        prompt = it.agents.prompts[1][1]
        assert prompt.text == "no, a joke"
        assert "dig" in prompt.note
        assert "Do not go on with it" in prompt.note
        assert it.chat.texts() == ["echo no, a joke"], "one answer, to the newer one"
        await it.hear("thanks")
        await it.idle()
        assert not it.agents.prompts[2][1].note


async def test_interrupt_an_answer_that_was_ready_all_the_same_is_kept(tmp_path):
    async with fresh_house(tmp_path, busy="interrupt") as it:
        it.agents.hold(updates=(TextChunk("A story."),), on_cancel=Ended("end_turn"))
        await it.hear("tell me a story")
        await it.at_work()
        await it.hear("and a joke")
        await until(lambda: len(it.agents.prompts) == 2)
        await it.idle()
        assert it.chat.texts() == ["A story.", "echo and a joke"]
        assert not it.agents.prompts[1][1].note


async def test_interrupt_several_at_once_leave_the_others_in_their_order(tmp_path):
    async with fresh_house(tmp_path, busy="interrupt") as it:
        it.agents.hold()
        await it.hear("one")
        await it.at_work()
        await it.hear("two")
        await it.hear("three")
        await until(lambda: it.chat.texts()[-1:] == ["echo three"])
        await it.idle()
        assert it.agents.texts()[-1] == "three"
        assert it.agents.texts() == sorted(it.agents.texts(), key=["one", "two", "three"].index)
        assert it.agents.most_at_once == 1


async def test_interrupt_spares_what_others_asked_for(tmp_path):
    async with fresh_house(tmp_path, busy="interrupt") as it:
        held = it.agents.hold()
        await said_in_a_room(it, "ann", "a story")
        await it.at_work()
        await said_in_a_room(it, "bob", "a joke")
        await it.quiet()
        assert it.agents.cancelled == []
        held.set()
        await it.idle()
        assert len(it.agents.prompts) == 2


@pytest.mark.parametrize("busy", ["queue", "collect"])
async def test_otherwise_nothing_is_interrupted(tmp_path, busy):
    async with fresh_house(tmp_path, busy=busy) as it:
        held = it.agents.hold()
        await it.hear("one")
        await it.at_work()
        await it.hear("two")
        await it.quiet()
        assert it.agents.cancelled == []
        held.set()
        await it.idle()
        assert it.agents.texts() == ["one", "two"]


async def test_collect_what_waits_is_answered_together(tmp_path):
    async with fresh_house(tmp_path, busy="collect") as it:
        held = it.agents.hold()
        await it.hear("one")
        await it.at_work()
        for text in ("two", "three", "four"):
            await it.hear(text)
        held.set()
        await it.idle()
        assert it.agents.texts() == ["one", "two\n\nthree\n\nfour"]
        assert len(it.chat.texts()) == 2


async def test_stop_wins_over_what_is_newer(tmp_path):
    async with fresh_house(tmp_path, busy="interrupt") as it:
        it.agents.hold()
        await it.hear("one")
        await it.at_work()
        await it.hear("", command="stop")
        await it.idle()
        assert (await turns(it))[0].state is TurnState.CANCELLED


async def test_a_session_that_the_agent_lost_is_given_the_transcript_in_the_same_turn(tmp_path):
    async with fresh_house(tmp_path) as it:
        it.agents.answers.append(Answer((), AgentFailed("It was lost.", "", lost=True, forgotten=True)))
        it.agents.openings.extend(
            [
                Opened(ResumeMode.NATIVE, "loaded", "a1", "/w"),
                Opened(ResumeMode.BOOTSTRAP, "the agent had lost the session", "a2", "/w", "the past"),
            ]
        )
        await it.hear("hello")
        await it.idle()
        assert it.chat.texts() == ["echo hello"]
        (turn,) = await turns(it)
        assert (turn.state, turn.resume_mode) == (TurnState.COMPLETED, ResumeMode.BOOTSTRAP)
        assert [prompt.preamble for _, prompt in it.agents.prompts] == ["", "the past"]


async def test_an_agent_that_loses_sessions_for_ever_is_not_asked_for_ever(tmp_path):
    lost = AgentFailed("It was lost.", "", lost=True, forgotten=True)
    async with fresh_house(tmp_path) as it:
        it.agents.answers.extend([Answer((), lost), Answer((), lost)])
        await it.hear("hello")
        await it.idle()
        assert it.chat.texts() == ["⚠ It was lost."]
        assert len(it.agents.prompts) == 2


async def test_stopped_in_the_middle_of_a_step_the_agent_is_told(tmp_path):
    async with fresh_house(tmp_path) as it:
        it.agents.hold(updates=(ToolUpdate("c1", "dig", "execute", StepStatus.RUNNING),))
        await it.hear("dig a hole")
        await it.at_work()
        await it.hear("", command="stop")
        await it.idle()
        await it.hear("what now?")
        await until(lambda: len(it.agents.prompts) == 2)
        note = it.agents.prompts[1][1].note
        assert "dig" in note
        assert "Do not go on with it" in note


async def test_what_was_chosen_is_what_is_opened(tmp_path):
    async with fresh_house(tmp_path) as it:
        await it.hear("one")
        await it.idle()
        session_id = await it.session_of()
        chosen = Chosen("other", Settings("plan", (("model", "large"),)))
        await it.ledger.store.choose(session_id, chosen)
        await it.hear("two")
        await it.idle()
        request = it.agents.opened[-1]
        assert (request.agent, request.agent_session_id) == ("other", None)
        assert request.settings == chosen.settings


@pytest.mark.parametrize("given_up", ["stopped", "superseded", "failed"])
async def test_what_was_given_up_is_not_taken_up_by_a_crash(tmp_path, given_up):
    """It is told of once, with the message after it; what a crash interrupts is that message's work."""
    busy = "interrupt" if given_up == "superseded" else "queue"
    async with opened("sqlite", tmp_path) as ledger:
        async with house(ledger, busy=busy) as it:
            await it.ready()
            running = ToolUpdate("c1", "deploy", "execute", StepStatus.RUNNING)
            broken = AgentFailed("It broke.", "", lost=False)
            held = it.agents.hold(updates=(running,), end=broken)
            await it.hear("deploy it")
            await it.at_work()
            if given_up == "failed":
                held.set()
                await it.idle()
            elif given_up == "stopped":
                await it.hear("", command="stop")
                await it.idle()
            it.agents.hold()
            await it.hear("tell me a joke")
            await until(lambda: len(it.agents.prompts) == 2)
            assert "Do not go on with it" in it.agents.prompts[1][1].note
        await ledger.start()
        async with house(ledger) as it:
            await it.ready()
            await until(lambda: it.agents.prompts)
            note = it.agents.prompts[0][1].note
            assert "> tell me a joke" in note
            assert "deploy" not in note
            assert "Finish that request now" in note


async def test_collect_leaves_slash_commands_by_themselves(tmp_path):
    async with fresh_house(tmp_path, busy="collect") as it:
        held = it.agents.hold()
        await it.hear("one")
        await it.at_work()
        for text in ("two", "three", "/count a b", "four", "five"):
            await it.hear(text)
        held.set()
        await it.idle()
        assert it.agents.texts() == ["one", "two\n\nthree", "/count a b", "four\n\nfive"]
