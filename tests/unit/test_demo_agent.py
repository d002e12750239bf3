"""The demo agent's parts, and the process itself where the pool does not show it."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.agents import transcript
from gateway.agents.demo_script import (
    Ask,
    Crash,
    Fail,
    Long,
    Recall,
    Say,
    Sleep,
    Tool,
    long_text,
    plain,
    read_blocks,
    read_note,
    read_script,
    read_transcript,
)
from gateway.agents.demo_store import SessionFiles, remember
from gateway.model.agent import Opened
from gateway.model.session import ResumeMode
from gateway.model.turn import HistoryTurn, Interruption, Step, StepKind, StepStatus, TurnState
from gateway.rules.note import NotePolicy, compose

AGENT = Path(sys.executable).parent / "carryon-demo-agent"


def test_directives_are_read_in_order() -> None:
    script = read_script("a [[sleep 5s]] b  c [[tool x 250ms]][[ask]][[fail]][[crash]][[recall]][[long 7]] d")
    assert script == (
        Say("a"), Sleep(5), Say("b c"), Tool("x", 0.25), Ask(), Fail(), Crash(), Recall(), Long(7), Say("d"),
    )  # fmt: skip
    assert plain("a [[sleep 5s]]\n b [[odd 1]]") == "a b [[odd 1]]"
    assert read_script("[[sleep]] [[tool]]") == (Sleep(0), Tool("tool", 0))


@pytest.mark.parametrize("length", [1, 80, 1000, 12345])
def test_long_text_is_as_long_as_it_should_be(length: int) -> None:
    assert len(long_text(length)) == length


def test_long_text_has_code_and_a_table() -> None:
    assert long_text(1000).count("```") >= 2
    assert "|---|---|" in long_text(1000)


def interrupted(*steps: Step) -> tuple[HistoryTurn, ...]:
    return (
        HistoryTurn(1, TurnState.COMPLETED, "", "first", "You said: first"),
        HistoryTurn(2, TurnState.INTERRUPTED, "", "second", "You said", steps),
        HistoryTurn(3, TurnState.INTERRUPTED, "", "", "Going on"),
    )


def test_transcripts_are_understood() -> None:
    step = Step(1, StepKind.TOOL, StepStatus.INTERRUPTED, "build", "t1")
    found = read_transcript(transcript.render(interrupted(step)))
    assert (found.texts, found.unfinished, found.started) == (("first", "second"), "second", {"build"})
    found = read_transcript(transcript.render(interrupted()[:1]))
    assert (found.texts, found.unfinished) == (("first",), "")


def test_notes_are_understood() -> None:
    step = Step(1, StepKind.TOOL, StepStatus.INTERRUPTED, "build", "t1")
    interruption = Interruption(1, "restart_interrupted", 0.0, "paint\nthe fence", steps=(step,))
    opened = Opened(ResumeMode.FRESH, "", "s", "/")
    prompt = compose("", opened, interruption, NotePolicy(60), 1.0)
    assert read_note(prompt.note) == ("paint the fence", {"build"})
    assert read_blocks([prompt.note]).goes_on
    waiting = compose("", opened, interruption, NotePolicy(60, finish=False), 1.0)
    assert not read_blocks([waiting.note]).goes_on


def test_history_holds_the_doomed_prompt_until_it_is_answered(tmp_path: Path) -> None:
    files = SessionFiles(tmp_path)
    session = files.create("/")
    files.append(session, {"role": "user", "blocks": ["paint [[tool brush 1s]]"]})
    files.append(session, {"role": "tool", "name": "brush"})
    memory = remember(files.read(session))
    assert (memory.unfinished, memory.started, memory.own) == (
        ["paint [[tool brush 1s]]"],
        {"brush"},
        ["paint"],
    )
    files.append(session, {"role": "assistant", "text": "You said: paint"})
    memory = remember(files.read(session))
    assert (memory.unfinished, memory.started) == ([], set())


@pytest.mark.parametrize(
    ("request_text", "ran"), [("paint it", {"brush"}), ("draw [[tool brush 1s]]", set())]
)
def test_an_answer_that_did_not_arrive_is_given_again_without_its_tools(
    request_text: str, ran: set[str]
) -> None:
    memory = remember(
        [
            {"role": "user", "blocks": ["paint it"]},
            {"role": "tool", "name": "brush"},
            {"role": "assistant", "text": "You said: paint it"},
        ]
    )
    interruption = Interruption(1, "restart_interrupted", 0.0, request_text)
    opened = Opened(ResumeMode.NATIVE, "", "s", "/", last_replayed="something else")
    memory.take(read_blocks((compose("", opened, interruption, NotePolicy(60), 1.0).note,)))
    assert (memory.unfinished, memory.started) == ([request_text], ran)


def test_a_torn_line_costs_itself_only(tmp_path: Path) -> None:
    files = SessionFiles(tmp_path)
    session = files.create("/")
    with (tmp_path / "sessions" / f"{session}.jsonl").open("a") as file:
        file.write('{"role":"user","blo')
    files.read(session)
    files.append(session, {"role": "user", "blocks": ["after"]})
    assert remember(files.read(session)).own == ["after"]


@pytest.mark.parametrize("session", ["../../etc/passwd", "", "0" * 31, "0" * 32, "/etc/passwd", "A" * 32])
def test_unsafe_and_unknown_ids_are_not_known(tmp_path: Path, session: str) -> None:
    assert not SessionFiles(tmp_path).knows(session)


async def test_agent_leaves_when_its_input_ends_even_in_the_middle_of_a_turn(tmp_path: Path) -> None:
    agent = await asyncio.create_subprocess_exec(
        AGENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "CARRYON_DEMO_HOME": str(tmp_path)},
    )
    assert agent.stdin is not None
    assert agent.stdout is not None

    def send(number: int, method: str, params: object) -> None:
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        agent.stdin.write(json.dumps(message).encode() + b"\n")

    async with asyncio.timeout(30):
        send(1, "session/load", {"sessionId": "0" * 32, "cwd": "/", "mcpServers": []})
        assert json.loads(await agent.stdout.readline())["error"]["code"] == -32002
        send(2, "session/new", {"cwd": "/", "mcpServers": []})
        answer = {}
        while "result" not in answer:  # its commands are told first
            answer = json.loads(await agent.stdout.readline())
        session = answer["result"]["sessionId"]
        prompt = [{"type": "text", "text": "one [[sleep 100s]]"}]
        send(3, "session/prompt", {"sessionId": session, "prompt": prompt})
        await agent.stdout.readline()
        agent.stdin.close()
        assert await agent.wait() == 0
    assert remember(SessionFiles(tmp_path).read(session)).unfinished == ["one [[sleep 100s]]"]


def test_the_pool_is_imported_without_the_protocol_library() -> None:
    check = "import sys, gateway.agents.pool; sys.exit('acp' in sys.modules or 'pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False, timeout=60).returncode == 0


def test_the_protocol_library_is_imported_at_a_discount_and_leaves_nothing_changed() -> None:
    check = """
import gc, pydantic
before = pydantic.ConfigDict, dict(pydantic.BaseModel.model_config)
from gateway.agents.protocol import schema
assert (pydantic.ConfigDict, dict(pydantic.BaseModel.model_config), gc.isenabled()) == (*before, True)
models = [one for one in vars(schema).values() if isinstance(one, type) and issubclass(one, schema.BaseModel)]
assert len(models) > 200
assert sum(one.__pydantic_complete__ for one in models) < 20
assert not any(one.model_config.get("use_attribute_docstrings") for one in models)
assert schema.TextContentBlock(type="text", text="x").model_dump(exclude_none=True)["text"] == "x"
"""
    done = subprocess.run([sys.executable, "-c", check], check=False, timeout=60, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
