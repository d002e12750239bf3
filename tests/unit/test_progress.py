"""What a growing answer shows of the agent's steps: the words, and what people see of them."""

from collections import deque

import pytest

from gateway.engine.streams import CUT_SHORT, DRAFT_SECONDS, STOPPED
from gateway.model.agent import TextChunk, ToolUpdate
from gateway.model.delivery import DeliveryKind, Rejected, RetryAfter
from gateway.model.turn import Step, StepKind, StepStatus
from gateway.rules.progress import MOST_LINES, WORKING, Progress, progress
from gateway.rules.recovery import ResumePolicy
from tests.helpers.onlookers import TalkingAgents, done, pass_time, scene, seen


def step(title: str, status: StepStatus = StepStatus.COMPLETED, seq: int = 0) -> Step:
    return Step(seq, StepKind.TOOL, status, title)


RUNNING, DONE, FAILED = StepStatus.RUNNING, StepStatus.COMPLETED, StepStatus.FAILED


def test_compact_is_the_present_step():
    assert (
        progress([step("read a"), step("run tests", RUNNING)], Progress.COMPACT) == "⚙ `run tests` (1 done)"
    )
    assert progress([step("run tests", RUNNING)], Progress.COMPACT) == "⚙ `run tests`"
    assert progress([step("read a"), step("read b", FAILED)], Progress.COMPACT) == ""


def test_full_are_all_of_them():
    steps = [step("read a"), step("read b", FAILED), step("run", RUNNING), step("x", StepStatus.INTERRUPTED)]
    assert progress(steps, Progress.FULL) == "✓ `read a`\n✗ `read b`\n⚙ `run`\n✗ `x`"


def test_of_very_many_the_last_are_shown():
    lines = progress([step(str(n)) for n in range(MOST_LINES + 3)], Progress.FULL).splitlines()
    assert lines[:2] == ["… 3 earlier", "✓ `3`"]
    assert len(lines) == MOST_LINES + 1


@pytest.mark.parametrize("how", Progress)
def test_nothing_is_shown_of_nothing(how):
    assert progress([], how) == ""
    assert progress([Step(0, StepKind.TEXT, RUNNING, text="words")], how) == ""


def test_off_is_off():
    assert progress([step("run", RUNNING)], Progress.OFF) == ""


@pytest.mark.parametrize(
    ("title", "line"),
    [
        ("a `b`\n\u202ec", "⚙ `a 'b' c`"),
        ("", "⚙ `a step`"),
        ("x" * 100, f"⚙ `{'x' * 69}…`"),
    ],
)
def test_a_title_is_one_line_and_means_nothing_but_itself(title, line):
    assert progress([step(title, RUNNING)], Progress.COMPACT) == line


def works(it, *updates) -> None:
    sink = it.agents.sinks[it.agents.prompts[-1][0]]
    for update in updates:
        sink(update)


async def test_progress_stands_below_the_words_and_is_gone_at_the_end(tmp_path):
    async with scene(tmp_path) as s, s.life() as it:
        end = it.agents.talk("Let me look.")
        await it.hear("go")
        await seen(it, "Let me look.")
        works(it, ToolUpdate("t1", "npm test", "execute", RUNNING))
        await pass_time(it, 3.0)
        assert s.chat.progress[-1] == "⚙ `npm test`"
        assert s.chat.amended[-1][1] == "Let me look."
        works(it, ToolUpdate("t1", status=DONE), TextChunk("All well."))
        end.set()
        await done(it)
        assert s.chat.reads() == ["Let me look.\n\nAll well."]


async def test_a_step_before_any_word_shows_that_it_is_at_work(tmp_path):
    async with scene(tmp_path) as s, s.life() as it:
        end = it.agents.talk()
        await it.hear("go")
        await pass_time(it, 0.25)
        works(it, ToolUpdate("t1", "npm test", "execute", RUNNING))
        await seen(it, WORKING)
        await pass_time(it, 3.0)
        assert s.chat.progress[-1] == "⚙ `npm test`"
        it.agents.say("All well.")
        end.set()
        await done(it)
        assert s.chat.reads() == ["All well."]
        assert [one.kind for one in s.chat.delivered] == [DeliveryKind.STREAM]


async def test_where_the_platform_has_a_better_place_no_message_is_opened_for_it(tmp_path):
    async with scene(tmp_path) as s, s.life() as it:
        s.chat.progress_has_place = True
        end = it.agents.talk()
        await it.hear("go")
        await pass_time(it, 0.25)
        works(it, ToolUpdate("t1", "npm test", "execute", RUNNING))
        await pass_time(it, 5.0)
        assert s.chat.reads() == []
        end.set()
        await done(it)


async def test_stopped_before_any_word_no_sign_of_work_is_left_standing(tmp_path):
    async with scene(tmp_path) as s, s.life() as it:
        it.agents.talk()
        await it.hear("go")
        await pass_time(it, 0.25)
        works(it, ToolUpdate("t1", "npm test", "execute", RUNNING))
        await seen(it, WORKING)
        await it.hear("", command="stop")
        await done(it)
        await pass_time(it, 1.0)
        assert s.chat.reads()[0] == STOPPED.strip()


async def test_killed_before_any_word_it_ends_in_the_same_message(tmp_path):
    async with scene(tmp_path) as s:
        async with s.life() as it:
            it.agents.talk()
            await it.hear("go")
            await pass_time(it, 0.25)
            works(it, ToolUpdate("t1", "npm test", "execute", RUNNING))
            await seen(it, WORKING)
            await it.quiet()
        async with s.life() as it:
            it.agents.say_at_once("All well.")
            await done(it)
        assert s.chat.reads() == ["All well."]


async def test_left_open_without_any_word_it_says_only_that_it_was_cut_short(tmp_path):
    async with scene(tmp_path) as s:
        async with s.life() as it:
            it.agents.talk()
            await it.hear("go")
            await pass_time(it, 0.25)
            works(it, ToolUpdate("t1", "npm test", "execute", RUNNING))
            await seen(it, WORKING)
            await it.quiet()
        async with s.life(resume=ResumePolicy(enabled=False)) as it:
            await pass_time(it, 1.0)
        assert s.chat.reads() == [CUT_SHORT.strip()]


async def test_a_draft_grows_and_the_answer_is_a_message_of_its_own(tmp_path):
    async with scene(tmp_path) as s:
        s.chat.has_drafts = True
        async with s.life() as it:
            end = it.agents.talk("Once upon")
            await it.hear("go")
            await pass_time(it, 2.0)
            assert s.chat.drafted == [(2, "Once upon")]
            it.agents.say(" a time")
            await pass_time(it, 2.0)
            assert s.chat.drafted[-1] == (2, "Once upon a time")
            await pass_time(it, DRAFT_SECONDS + 2)
            assert s.chat.drafted.count((2, "Once upon a time")) == 2, "it would have vanished"
            end.set()
            await done(it)
            assert s.chat.reads() == ["Once upon a time"]
            assert [one.kind for one in s.chat.tried] == [DeliveryKind.REPLY]


async def test_a_draft_that_is_asked_to_slow_down_does(tmp_path):
    async with scene(tmp_path) as s:
        s.chat.has_drafts = True
        async with s.life() as it:
            s.chat.amends = deque([RetryAfter(10.0, "slow down")])
            end = it.agents.talk("Once upon")
            await it.hear("go")
            await pass_time(it, 8.0)
            assert s.chat.drafted == []
            await pass_time(it, 5.0)
            assert s.chat.drafted
            end.set()
            await done(it)


async def test_a_platform_that_has_no_drafts_after_all_gets_a_message(tmp_path):
    async with scene(tmp_path) as s:
        s.chat.has_drafts = True
        async with s.life(agents=TalkingAgents()) as it:
            s.chat.amends = deque([Rejected("unknown method")])
            end = it.agents.talk("Once upon")
            await it.hear("go")
            await pass_time(it, 0.5)
            s.chat.has_drafts = False
            await seen(it, "Once upon")
            end.set()
            await done(it)
            assert s.chat.reads() == ["Once upon"]
