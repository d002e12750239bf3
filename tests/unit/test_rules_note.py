"""The one recovery note."""

from dataclasses import replace

import pytest

from gateway.model.agent import Opened
from gateway.model.session import Reason, ResumeMode
from gateway.model.turn import Interruption, Step, StepKind, StepStatus
from gateway.rules.note import NOTE_MARKER, REQUEST_LIMIT, NotePolicy, compose

NOW = 10_000.0
POLICY = NotePolicy(freshness=3600.0)


def opened(mode=ResumeMode.NATIVE, last=None, preamble=""):
    return Opened(mode, "", "agent-session", "/w", preamble, last)


def cut(request="dig a well", reason=Reason.RESTART_INTERRUPTED, age=60.0, steps=()):
    return Interruption(7, reason, NOW - age, request, "", steps)


def tool(title, status, call="call-1"):
    return Step(0, StepKind.TOOL, status, title, call)


def note(text="", interruption=None, policy=POLICY, **more):
    return compose(text, opened(**more), interruption or cut(), policy, NOW).note


def test_nothing_was_interrupted():
    prompt = compose("hello", opened(), None, POLICY, NOW)
    assert (prompt.preamble, prompt.note, prompt.text) == ("", "", "hello")


@pytest.mark.parametrize("text", ["", "are you there?"])
@pytest.mark.parametrize("mode", ResumeMode)
@pytest.mark.parametrize("reason", [*Reason, "from_the_future"])
def test_law_05_exactly_one_note(text, mode, reason):
    prompt = compose(text, opened(mode, preamble="what was said"), cut(reason=reason), POLICY, NOW)
    assert prompt.note.count(NOTE_MARKER) == 1
    assert prompt.note.startswith(NOTE_MARKER)
    assert NOTE_MARKER not in prompt.preamble + prompt.text
    assert (prompt.preamble, prompt.text) == ("what was said", text)


@pytest.mark.parametrize(("age", "noted"), [(0.0, True), (3600.0, True), (3601.0, False)])
def test_a_stale_interruption_is_not_mentioned(age, noted):
    assert bool(note("a new question", cut(age=age))) == noted


def test_steps_whose_outcome_is_unknown_are_named_and_no_others():
    steps = (
        tool("rm -rf build", StepStatus.INTERRUPTED),
        tool("ls", StepStatus.COMPLETED),
        tool("", StepStatus.INTERRUPTED, "call-9"),
    )
    said = note(interruption=cut(steps=steps))
    assert "- rm -rf build" in said
    assert "- call-9" in said
    assert "- ls" not in said
    assert "check before repeating" in said


def test_without_open_steps_none_are_spoken_of():
    assert "outcome is unknown" not in note(interruption=cut(steps=(tool("ls", StepStatus.COMPLETED),)))


@pytest.mark.parametrize(
    ("mode", "last", "preamble", "quoted"),
    [
        (ResumeMode.FRESH, None, "", True),
        (ResumeMode.LIVE, None, "", True),
        (ResumeMode.NATIVE, None, "", True),
        (ResumeMode.NATIVE, "something before it", "", True),
        (ResumeMode.NATIVE, "let us dig a well tomorrow", "", True),
        (ResumeMode.NATIVE, "dig a well", "", False),
        (ResumeMode.NATIVE, "  dig\na   well ", "", False),
        (ResumeMode.BOOTSTRAP, None, "[USER]:\n  dig a well", False),
        (ResumeMode.BOOTSTRAP, None, "[USER]:\n  dig", True),
    ],
)
def test_the_request_is_quoted_only_where_the_agent_does_not_have_it(mode, last, preamble, quoted):
    assert ("> dig a well" in note(mode=mode, last=last, preamble=preamble)) == quoted


def test_a_quoted_request_is_bounded_and_every_line_is_marked():
    said = note(interruption=cut("line\n" * 20_000), mode=ResumeMode.FRESH)
    assert said.count("> line") == REQUEST_LIMIT // len("line\n")
    assert len(said) < 3 * REQUEST_LIMIT


def test_nothing_is_quoted_where_nothing_is_known():
    assert ">" not in note(interruption=cut(request=""), mode=ResumeMode.FRESH).replace(NOTE_MARKER, "")


def test_what_to_do_now():
    assert "Nothing new was written" in note("")
    assert "answer the new message" in note("and now?")
    resting = NotePolicy(3600.0, finish=False)
    for text in ("", "and now?"):
        assert "Do not go on" in note(text, policy=resting)
        assert "Do not go on" not in note(text, cut(reason=Reason.MANUAL), policy=resting)


def test_the_cause_is_named():
    causes = {reason: note(interruption=cut(reason=reason)).splitlines()[1] for reason in Reason}
    assert "stopped unexpectedly" in causes[Reason.RESTART_INTERRUPTED]
    assert "was restarted" in causes[Reason.DRAIN_TIMEOUT]
    assert "Your process" in causes[Reason.AGENT_LOST]
    assert "interrupted" in note(interruption=cut(reason="from_the_future"))
    assert "from_the_future" not in note(interruption=cut(reason="from_the_future"))


def test_what_its_agent_dies_of_each_time_is_not_gone_on_with_unasked():
    policy = NotePolicy(3600.0, max_attempts=3)
    for attempts, finish in ((2, True), (3, False), (9, False)):
        tried = replace(cut(reason=Reason.AGENT_LOST), attempts=attempts)
        said = note("and now?", tried, policy)
        assert ("Finish that request" in said) is finish
        assert ("Do not go on with it" in said) is not finish
    asked = replace(cut(reason=Reason.MANUAL), attempts=9)
    assert "Finish that request" in note("", asked, policy)
