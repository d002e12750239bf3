"""The record of a turn: text in order, steps in the ledger before anybody needs them."""

import asyncio
from contextlib import asynccontextmanager

from gateway.engine.recorder import FLUSH_SECONDS, Recorder
from gateway.model.agent import TextChunk, ThoughtChunk, ToolUpdate
from gateway.model.turn import StepKind, StepStatus, TurnState
from gateway.ports import LedgerUnavailableError
from tests.helpers.clock import ManualClock, until
from tests.helpers.ledgers import opened


class Log:
    """A `TurnLog` as far as a recorder uses it; it keeps the latest of each step."""

    def __init__(self):
        self.steps = {}
        self.writes = 0
        self.full = False
        self.gate = None

    async def record_steps(self, turn_id, steps):
        assert turn_id == 1
        if self.gate:
            await self.gate.wait()
        if self.full:
            raise LedgerUnavailableError("full")
        self.writes += 1
        self.steps |= {step.seq: step for step in steps}


@asynccontextmanager
async def recording(log):
    clock = ManualClock()
    async with asyncio.TaskGroup() as group:
        yield Recorder(1, log, clock, group), clock


def tool(ident="a", status=None, **more):
    return ToolUpdate(ident, status=status, **more)


def final(log, recorder, status=StepStatus.COMPLETED):
    """The steps as they stand after the turn's last transaction, in order."""
    merged = log.steps | {step.seq: step for step in recorder.rest(status)}
    return [merged[seq] for seq in sorted(merged)]


async def test_a_short_answer_is_text_and_leaves_no_steps():
    log = Log()
    async with recording(log) as (recorder, _):
        for piece in ("Hel", "lo ", "there"):
            recorder(TextChunk(piece))
        assert recorder.text == "Hello there"
        assert recorder.rest(StepStatus.COMPLETED) == ()
    assert log.writes == 0


async def test_segments_on_both_sides_of_a_tool_call_stay_apart():
    log = Log()
    async with recording(log) as (recorder, _):
        recorder(TextChunk("I will look."))
        recorder(tool(title="look", status=StepStatus.RUNNING))
        recorder(TextChunk("Found"))
        recorder(TextChunk(" it."))
        assert recorder.text == "I will look.\n\nFound it."
        await until(lambda: log.writes)
        steps = final(log, recorder)
    assert [(s.kind, s.text or s.title) for s in steps] == [
        (StepKind.TEXT, "I will look."),
        (StepKind.TOOL, "look"),
        (StepKind.TEXT, "Found it."),
    ]
    assert [s.seq for s in steps] == [0, 1, 2]


async def test_thoughts_are_no_answer():
    log = Log()
    async with recording(log) as (recorder, _):
        recorder(ThoughtChunk("hmm"))
        recorder(TextChunk("yes"))
        recorder(tool(title="t"))
        assert recorder.text == "yes"
        kinds = [step.kind for step in final(log, recorder)]
    assert kinds == [StepKind.THOUGHT, StepKind.TEXT, StepKind.TOOL]


async def test_a_tool_call_is_written_at_once_and_as_it_changes():
    log = Log()
    async with recording(log) as (recorder, _):
        recorder(tool(title="rm", tool_kind="execute"))
        await until(lambda: 0 in log.steps)
        assert log.steps[0].status is StepStatus.RUNNING
        recorder(tool(status=StepStatus.COMPLETED, text="gone"))
        await until(lambda: log.steps[0].status is StepStatus.COMPLETED)
    step = log.steps[0]
    assert (step.title, step.tool_kind, step.text, step.tool_call_id) == ("rm", "execute", "gone", "a")


async def test_updates_of_one_call_do_not_mix_with_another():
    log = Log()
    async with recording(log) as (recorder, _):
        recorder(tool("a", title="one"))
        recorder(tool("b", title="two"))
        recorder(tool("a", status=StepStatus.FAILED))
        await until(lambda: len(log.steps) == 2 and log.steps[0].status is StepStatus.FAILED)
    assert [(s.title, s.status) for s in log.steps.values()] == [
        ("one", StepStatus.FAILED),
        ("two", StepStatus.RUNNING),
    ]


async def test_text_that_streams_for_long_is_written_now_and_then():
    log = Log()
    async with recording(log) as (recorder, clock):
        recorder(TextChunk("a"))
        assert log.writes == 0
        clock.advance(FLUSH_SECONDS)
        recorder(TextChunk("b"))
        await until(lambda: log.writes == 1)
        assert log.steps[0].text == "ab"
        recorder(TextChunk("c"))
        steps = final(log, recorder, StepStatus.INTERRUPTED)
    assert [(s.text, s.status) for s in steps] == [("abc", StepStatus.INTERRUPTED)]


async def test_one_flush_at_a_time_takes_what_came_meanwhile():
    log = Log()
    log.gate = asyncio.Event()
    async with recording(log) as (recorder, _):
        recorder(tool("a", title="first"))
        await asyncio.sleep(0)
        for number in range(20):
            recorder(tool(f"b{number}", title="more"))
        log.gate.set()
        await until(lambda: len(log.steps) == 21)
    assert log.writes == 2


async def test_what_a_full_disk_did_not_take_goes_with_the_end_of_the_turn():
    log = Log()
    log.full = True
    async with recording(log) as (recorder, _):
        recorder(tool("a", title="rm", status=StepStatus.RUNNING))
        for _ in range(5):
            await asyncio.sleep(0)
        recorder(tool("a", status=StepStatus.COMPLETED))
        for _ in range(5):
            await asyncio.sleep(0)
        (step,) = recorder.rest(StepStatus.COMPLETED)
    assert (step.title, step.status) == ("rm", StepStatus.COMPLETED)


async def test_halves_of_characters_do_not_keep_a_turn_from_ending(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        start = await ledger.begin((await ledger.say("go")).session_id)
        async with asyncio.TaskGroup() as group:
            recorder = Recorder(start.turn_id, ledger.store, ManualClock(), group)
            recorder(tool("\ud83d", title="\ude00", text="\0"))
            recorder(TextChunk("a\ud83d"))
            recorder(TextChunk("\ude00b"))
        steps = recorder.rest(StepStatus.COMPLETED)
        await ledger.end(start.turn_id, TurnState.COMPLETED, recorder.text, steps=steps)
    assert recorder.text.startswith("a")
    assert recorder.text.endswith("b")


async def test_steps_reach_a_real_ledger_before_the_turn_ends(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        start = await ledger.begin((await ledger.say("go")).session_id)
        async with asyncio.TaskGroup() as group:
            recorder = Recorder(start.turn_id, ledger.store, ManualClock(), group)
            recorder(tool("a", title="rm", status=StepStatus.RUNNING))
        await ledger.start()
        await ledger.say("well?")
        interruption = (await ledger.begin(start.session.id)).interruption
        assert interruption is not None
        assert [step.title for step in interruption.open_steps] == ["rm"]
