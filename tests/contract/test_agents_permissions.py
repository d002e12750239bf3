"""Permissions that agents ask for: always answered, by people or by kind, and never after the turn."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.agents.spec import PermissionPolicy
from gateway.model.agent import AgentFailed, CancelledPrompt, Ended, PromptEnd, ToolUpdate
from gateway.model.permission import OptionKind, PermissionRequest
from gateway.model.turn import StepStatus
from tests.contract.agents import (
    BOUND,
    Chat,
    becomes,
    hostile_spec,
    is_thought,
    noticed,
    odd_chat,
    pool_of,
    processes,
)
from tests.helpers.clock import ManualClock


class Person:
    """Who is asked. Decides when the test says so, and notes when the question is withdrawn."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.withdrawn = False
        self.questions: list[PermissionRequest] = []
        self.decision: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    async def __call__(self, request: PermissionRequest) -> str | None:
        self.questions.append(request)
        self.asked.set()
        try:
            return await asyncio.shield(self.decision)
        except asyncio.CancelledError:
            self.withdrawn = True
            raise

    def decides(self, option: str | None) -> None:
        self.decision.set_result(option)


async def in_question(chat: Chat, person: Person, then: Callable[[], Awaitable[object]]) -> PromptEnd:
    """A turn in which something happens while the question is open."""
    await chat.open()
    async with asyncio.timeout(BOUND), asyncio.TaskGroup() as tasks:
        prompt = tasks.create_task(chat.prompt("go", ask=person))
        await person.asked.wait()
        await then()
    return prompt.result()


def always(option: str | None) -> Callable[[PermissionRequest], Awaitable[str | None]]:
    async def ask(_request: PermissionRequest) -> str | None:
        return option

    return ask


@pytest.mark.parametrize(("way", "policy", "answer"), [
    ("asks", "allow", "allow_once"),
    ("asks", "deny", "reject_once"),
    ("asks_in_odd_order", "allow", "allow_once"),
    ("asks_in_odd_order", "deny", "reject_once"),
    ("asks_without_reject", "allow", "allow_once"),
    ("asks_without_reject", "deny", "cancelled"),
    ("asks_without_options", "allow", "cancelled"),
    ("asks_without_options", "deny", "cancelled"),
    ("asks_of_unknown_kind", "allow", "an error"),
    ("asks_of_unknown_kind", "deny", "an error"),
])  # fmt: skip
async def test_answers_go_by_kind_and_the_turn_goes_on(
    tmp_path: Path, way: str, policy: str, answer: str
) -> None:
    async with odd_chat(tmp_path, way, permissions=PermissionPolicy(policy)) as chat:
        assert await chat.ask("go") == answer


@pytest.mark.parametrize(("way", "kinds"), [
    ("asks", ("allow_once", "reject_once")),
    ("asks_in_odd_order", ("reject_always", "allow_always", "reject_once", "allow_once")),
    ("asks_without_reject", ("allow_always", "allow_once")),
    ("asks_without_options", ()),
])  # fmt: skip
async def test_people_are_offered_what_the_agent_offers(
    tmp_path: Path, way: str, kinds: tuple[str, ...]
) -> None:
    async with odd_chat(tmp_path, way) as chat:
        person, chosen = Person(), kinds[0] if kinds else None
        person.decides(chosen)
        await chat.open()
        assert await chat.prompt("go", ask=person) == Ended("end_turn")
        assert chat.said == (chosen or "cancelled")
        (question,) = person.questions
        assert [option.kind for option in question.options] == [OptionKind(kind) for kind in kinds]
        assert question.tool.title == "rm -rf /"


async def test_question_that_cannot_be_read_is_put_to_nobody(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "asks_of_unknown_kind") as chat:
        assert await chat.ask("go") == "an error"


@pytest.mark.parametrize(("way", "said"), [("asks_and_waits", "stopping"), ("asks_and_leaves", "")])
async def test_stop_withdraws_the_question(tmp_path: Path, way: str, said: str) -> None:
    async with odd_chat(tmp_path, way, drain_timeout=5.0) as chat:
        person = Person()
        end = await in_question(chat, person, lambda: chat.pool.cancel(1))
        assert end == CancelledPrompt()
        assert chat.said == said
        assert person.withdrawn


async def test_end_of_the_turn_withdraws_the_question(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "asks_and_ends") as chat:
        person = Person()
        await chat.open()
        assert await chat.prompt("go", ask=person) == Ended("end_turn")
        assert person.asked.is_set()
        await becomes(lambda: person.withdrawn, "the question is withdrawn")


async def test_decision_after_the_stop_is_heard_by_nobody(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "asks", drain_timeout=BOUND) as chat:
        person = Person()

        async def stubborn(request: PermissionRequest) -> str | None:
            """One whose decision comes all the same, although the question was withdrawn."""
            try:
                return await person(request)
            except asyncio.CancelledError:
                return "allow_once"

        await chat.open()
        async with asyncio.timeout(BOUND), asyncio.TaskGroup() as tasks:
            prompt = tasks.create_task(chat.prompt("go", ask=stubborn))
            await person.asked.wait()
            await chat.pool.cancel(1)
        # It does not know of cancellations, and ends its turn with the answer that it was given.
        assert prompt.result() == Ended("end_turn")
        assert chat.said == "cancelled"


async def test_question_of_a_turn_whose_agent_dies_is_withdrawn(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "asks") as chat:
        person = Person()
        await chat.open()
        end = await in_question(chat, person, processes(chat.pool)[0].end)
        assert isinstance(end, AgentFailed)
        assert end.lost
        assert person.withdrawn


async def test_question_while_nobody_listens_is_answered_with_a_cancellation(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "asks_unheard", permissions=PermissionPolicy.ALLOW) as chat:
        assert '"outcome": {"outcome": "cancelled"}' in await chat.ask("what was the answer?")


async def test_silence_of_people_is_not_the_agents(tmp_path: Path) -> None:
    clock, person = ManualClock(), Person()
    spec = hostile_spec(tmp_path, "asks", turn_idle_timeout=0.5)
    async with pool_of(spec, clock=clock) as pool:
        chat = Chat(pool, agent="odd")

        async def wait_and_decide() -> None:
            for _ in range(5):
                clock.advance(0.6)
                await noticed()
            person.decides("allow_once")

        assert await in_question(chat, person, wait_and_decide) == Ended("end_turn")
        assert chat.said == "allow_once"
        assert not person.withdrawn


async def test_silence_after_the_decision_is_the_agents(tmp_path: Path) -> None:
    clock, person = ManualClock(), Person()
    spec = hostile_spec(tmp_path, "asks_then_silent", turn_idle_timeout=0.5)
    async with pool_of(spec, clock=clock) as pool:
        chat = Chat(pool, agent="odd")

        async def decide_and_wait() -> None:
            clock.advance(0.6)
            await noticed()
            person.decides("yes")
            await chat.heard(is_thought)
            clock.advance(0.6)

        end = await in_question(chat, person, decide_and_wait)
        assert isinstance(end, AgentFailed)
        assert "did nothing for 0.5 seconds" in end.message


@pytest.mark.parametrize(("option", "status"), [
    ("yes", StepStatus.COMPLETED),
    ("no", StepStatus.FAILED),
    (None, StepStatus.FAILED),
])  # fmt: skip
async def test_tool_that_only_the_question_shows_is_a_step_with_an_end(
    tmp_path: Path, option: str | None, status: StepStatus
) -> None:
    async with odd_chat(tmp_path, "shows_a_tool_only_when_asking") as chat:
        await chat.open()
        assert await chat.prompt("go", ask=always(option)) == Ended("end_turn")
        steps = [update for update in chat.updates if isinstance(update, ToolUpdate)]
        assert steps[0] == ToolUpdate("t1", "rm -rf /", "execute", StepStatus.RUNNING)
        assert [step.status for step in steps[1:]] == [status]
        assert {step.tool_call_id for step in steps} == {"t1"}
