"""The soak's verdict: each kind of violation is caught in a doctored transcript, and nothing else is."""

import pytest

from adapters.emulators.playground import Shown
from adapters.labels import REPEAT_LABEL
from gateway.engine.streams import CONTINUED, CUT_SHORT, STOPPED
from tests.crash.soak_verdict import Kind, Known, Transcript, begun, ended, judge, opening, word

NOTICE = "The gateway stops now."
TELEGRAM = Known(frozenset({NOTICE}), ("⚠",))
SLACK = Known(frozenset({NOTICE}), ("⚠",), labels=False)
A, B, C = (f"{opening(number)} count {word(number)}" for number in (1, 2, 3))
HALF_A, HALF_B = (f"{opening(number)} count" for number in (1, 2))


def post(number: int, line: str) -> Shown:
    """`> ` begins what a user says, `b> ` what another one does; `THREAD| ` before that is where."""
    thread, _, line = line.rpartition("| ")
    author, _, text = line.rpartition("> ") if "> " in line[:3] else ("bot", "", line)
    return Shown(f"m{number}", "chat", thread, author or "a", author == "bot", text, float(number))


def transcript(
    *lines: str, silence: tuple[float, float] | None = None, chat: str = "7", opens_threads: bool = False
) -> Transcript:
    """One chat; each line is one second after the one before, and the id of the first one is m0."""
    return Transcript(chat, tuple(map(post, range(len(lines)), lines)), opens_threads, silence)


def found(
    *lines: str,
    silence: tuple[float, float] | None = None,
    opens_threads: bool = False,
    known: Known = TELEGRAM,
) -> list[Kind]:
    verdict = judge([transcript(*lines, silence=silence, opens_threads=opens_threads)], known)
    return [violation.kind for violation in verdict.violations]


GOOD = {
    "one answer": (f"> {A}", f"You said: {A}"),
    "two in one": (f"> {A}", f"> {B}", f"Going on with: {A}\n\nYou said: {B}"),
    "two in one, one with a late remark": (
        f"> {A}",
        f"> {B}",
        f"Going on with: {HALF_A} {B}\n\nI ran {word(1)}.",
    ),
    "a notice": (f"> {A}", NOTICE, f"Going on with: {A}"),
    "a late answer": (f"> {A}", f"> {B}", f"You said: {A}", f"> {C}", f"You said: {B}", f"You said: {C}"),
    "a beginning that goes on below": (f"> {A}", f"You said: {HALF_A}{CONTINUED}", f"Going on with: {A}"),
    "a whole answer that goes on below": (
        f"> {A}",
        f"> {B}",
        f"Going on with: {A} {HALF_B}{CONTINUED}",
        f"Going on with: {A}\n\nYou said: {B}",
    ),
    "a notice between the parts": (f"> {A}", f"You said: {HALF_A}{CONTINUED}", NOTICE, f"Going on: {A}"),
    "talk among people": (f"> {A}", "b> by the way", f"You said: {A}"),
    "nothing at all": (),
}

LABELLED = {
    "repeated with the label": (f"> {A}", f"You said: {A}", f"{REPEAT_LABEL}You said: {A}"),
    "only with the label": (f"> {A}", f"{REPEAT_LABEL}You said: {A}"),
    "twice with the label": (f"> {A}", *[f"{REPEAT_LABEL}You said: {A}"] * 2),
    "a notice that may be a repeat": (f"> {A}", NOTICE, REPEAT_LABEL + NOTICE, f"Going on with: {A}"),
    "a repeat after the next answer": (
        f"> {A}",
        f"> {B}",
        f"You said: {A}",
        f"You said: {B}",
        f"{REPEAT_LABEL}You said: {A}",
    ),
    "a part that nobody can know of": (f"> {A}", f"You said: {HALF_A}", f"{REPEAT_LABEL}Going on: {A}"),
}

BAD = {
    "a message without an answer": ((f"> {A}", f"> {B}", f"You said: {B}"), Kind.LOST),
    "no answer at all": ((f"> {A}",), Kind.LOST),
    "a notice is no answer": ((f"> {A}", NOTICE), Kind.LOST),
    "a second answer": ((f"> {A}", *[f"You said: {A}"] * 2), Kind.DOUBLED),
    "a finished request gone on with": ((f"> {A}", f"You said: {A}", f"Going on with: {A}"), Kind.DOUBLED),
    "two copies beside a labelled one": (
        (f"> {A}", f"You said: {A}", f"{REPEAT_LABEL}You said: {A}", f"You said: {A}"),
        Kind.DOUBLED,
    ),
    "answered again with the next": (
        (f"> {A}", f"You said: {A}", f"> {B}", f"Going on with: {A}\n\nYou said: {B}"),
        Kind.DOUBLED,
    ),
    "words that answer nothing": ((f"> {A}", f"You said: {A}", "Nothing was left."), Kind.UNSOLICITED),
    "an answer to what was said to others": (("> by the way", "You said: by the way"), Kind.UNSOLICITED),
    "a label without a message": ((f"> {A}", f"You said: {A}", f"{REPEAT_LABEL}Hello"), Kind.UNSOLICITED),
    "a word of another chat": ((f"> {A}", f"You said: {A}", f"You said: {C}"), Kind.UNSOLICITED),
    "an answer before its question": ((f"You said: {A}", f"> {A}"), Kind.UNSOLICITED),
    "a notice of an unknown kind": ((NOTICE + "!",), Kind.UNSOLICITED),
    "an empty message": ((f"> {A}", f"You said: {A}", ""), Kind.UNSOLICITED),
    "an apology": ((f"> {A}", f"{A}\n\n⚠ The agent stopped."), Kind.FAILED),
    "answers in the wrong order": ((f"> {A}", f"> {B}", f"You: {B}", f"You: {A}"), Kind.ORDER),
    "the wrong order within one message": ((f"> {A}", f"> {B}", f"You: {B} {A}"), Kind.ORDER),
    "a labelled answer out of order": (
        (f"> {A}", f"> {B}", f"{REPEAT_LABEL}You: {B}", f"You: {A}"),
        Kind.ORDER,
    ),
    "a beginning before the answer": ((f"> {A}", f"You said: {HALF_A}", f"Going on: {A}"), Kind.HALF),
    "a beginning after the answer": ((f"> {A}", f"You said: {A}", f"Going on: {HALF_A}"), Kind.HALF),
    "an end alone": ((f"> {A}", f"and {word(1)}"), Kind.HALF),
    "the half of the second answer": (
        (f"> {A}", f"> {B}", f"You said: {A} {HALF_B}", f"You said: {B}"),
        Kind.HALF,
    ),
    "a beginning that goes on nowhere": (
        (f"> {A}", f"You said: {A}", f"You said: {HALF_A}{CONTINUED}"),
        Kind.HALF,
    ),
    "an answer that goes on with another one": (
        (f"> {A}", f"> {B}", f"You said: {A}", f"{A} {HALF_B}{CONTINUED}", f"You said: {B}"),
        Kind.HALF,
    ),
    "an answer that nobody stopped": ((f"> {A}", f"{HALF_A}{STOPPED}", f"You said: {A}"), Kind.HALF),
    "a stopped part before a repeat": (
        (f"> {A}", f"{HALF_A}{STOPPED}", f"{REPEAT_LABEL}You said: {A}"),
        Kind.HALF,
    ),
    "an answer cut short": ((f"> {A}", f"{HALF_A}{CUT_SHORT}", f"You said: {A}"), Kind.HALF),
    "an answer in a thread": ((f"> {A}", f"m0| You said: {A}"), Kind.MISPLACED),
    "an answer outside its thread": ((f"t| > {A}", f"You said: {A}"), Kind.MISPLACED),
}


@pytest.mark.parametrize("lines", [*GOOD.values(), *LABELLED.values()], ids=[*GOOD, *LABELLED])
def test_what_is_allowed_is_no_violation(lines):
    assert found(*lines) == []


@pytest.mark.parametrize("lines", GOOD.values(), ids=GOOD)
def test_what_needs_no_label_is_allowed_everywhere(lines):
    assert found(*lines, known=SLACK) == []


@pytest.mark.parametrize("lines", LABELLED.values(), ids=LABELLED)
def test_a_label_is_a_violation_where_the_platform_can_be_asked(lines):
    assert Kind.LABELLED in found(*lines, known=SLACK)


@pytest.mark.parametrize(("lines", "kind"), BAD.values(), ids=BAD)
def test_each_kind_of_violation_is_caught_alone(lines, kind):
    assert found(*lines) == [kind]


def test_a_part_without_its_mark_is_no_better_for_a_label_where_the_platform_can_be_asked():
    kinds = found(*LABELLED["a part that nobody can know of"], known=SLACK)
    assert sorted(kinds) == sorted([Kind.HALF, Kind.LABELLED])


def test_every_kind_is_covered():
    assert {kind for _, kind in BAD.values()} | {Kind.SPOKE, Kind.LABELLED} == set(Kind)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (NOTICE, [Kind.SPOKE]),
        (f"{REPEAT_LABEL}You said: {A}", [Kind.SPOKE]),
        ("> still here", []),
    ],
)
def test_an_idle_chat_stays_silent(line, expected):
    lines = (f"> {A}", f"You said: {A}", line, f"> {B}", f"You said: {B}")
    assert found(*lines, silence=(1.5, 3.0)) == expected


def test_an_idle_chat_may_speak_before_and_after():
    lines = (f"> {A}", f"You said: {A}", f"> {B}", f"You said: {B}")
    assert found(*lines, silence=(1.5, 2.0)) == []


# Threads.


def test_what_opens_a_thread_is_answered_in_it():
    lines = (f"> {A}", f"m0| You said: {A}", f"m0| b> {B}", f"m0| You said: {B}")
    assert found(*lines, opens_threads=True) == []
    assert found(f"> {A}", f"You said: {A}", opens_threads=True) == [Kind.MISPLACED]


def test_a_notice_may_stand_anywhere():
    assert found(f"> {A}", f"m0| {NOTICE}", NOTICE, f"m0| You said: {A}", opens_threads=True) == []


def test_each_thread_is_a_conversation_with_an_order_of_its_own():
    lines = (f"t| > {A}", f"u| > {B}", f"u| You said: {B}", f"t| You said: {A}")
    assert found(*lines) == []
    lines = (f"t| > {A}", f"t| b> {B}", f"t| You said: {B}", f"t| You said: {A}")
    assert found(*lines) == [Kind.ORDER]


def test_outside_threads_everybody_has_a_conversation_of_their_own():
    assert found(f"> {A}", f"b> {B}", f"You said: {B}", f"You said: {A}") == []


# Numbers.


def test_the_numbers_are_counted_over_all_chats():
    one = transcript(f"> {A}", f"You said: {A}", f"{REPEAT_LABEL}You said: {A}", chat="1")
    two = transcript(f"> {B}", NOTICE, f"> {C}", f"You: {opening(3)}{CONTINUED}", f"You said: {C}", chat="2")
    verdict = judge([one, two], TELEGRAM)
    assert (verdict.asked, verdict.answered) == (3, 2)
    assert (verdict.labelled, verdict.notices, verdict.fragments) == (1, 1, 1)
    assert verdict.count(Kind.LOST) == 1
    assert verdict.count(Kind.DOUBLED) == 0
    assert str(verdict.violations[0]) == f"lost in chat 2: {word(2)} was never answered"


def test_a_word_in_another_chat_is_lost_here_and_unsolicited_there():
    one = transcript(f"> {A}", chat="1")
    two = transcript(f"> {B}", f"You said: {B}", f"You said: {A}", chat="2")
    verdict = judge([one, two], TELEGRAM)
    assert [(one.kind, one.chat) for one in verdict.violations] == [
        (Kind.LOST, "1"),
        (Kind.UNSOLICITED, "2"),
    ]


def test_words_are_told_apart_by_their_whole_length():
    assert ended(f"{word(1)} and {word(11)}, {word(1)}") == (1, 11)
    assert begun(f"{opening(1)} and {opening(11)}, {opening(1)}") == (1, 11)
    assert ended("word1 word1xy sword1x") == begun(word(1)) == ended(opening(1)) == ()
