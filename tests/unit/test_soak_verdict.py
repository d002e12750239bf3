"""The soak's verdict: each kind of violation is caught in a doctored transcript, and nothing else is."""

import pytest

from adapters.telegram.adapter import REPEAT_LABEL
from tests.crash.soak_verdict import Kind, Known, Post, Transcript, judge, word, words

NOTICE = "The gateway stops now."
KNOWN = Known(frozenset({NOTICE}), ("⚠",))
A, B, C = (word(number) for number in (1, 2, 3))


def transcript(*lines: str, silence: tuple[float, float] | None = None, chat: int = 7) -> Transcript:
    """Lines beginning with `> ` are the user's; each is one second after the one before."""
    posts = [
        Post(float(at), not line.startswith("> "), line.removeprefix("> ")) for at, line in enumerate(lines)
    ]
    return Transcript(chat, tuple(posts), silence)


def found(*lines: str, silence: tuple[float, float] | None = None) -> list[Kind]:
    verdict = judge([transcript(*lines, silence=silence)], KNOWN)
    return [violation.kind for violation in verdict.violations]


GOOD = {
    "one answer": (f"> count {A}", f"You said: count {A}"),
    "two in one": (f"> {A}", f"> {B}", f"Going on with: {A}\n\nYou said: {B}"),
    "repeated with the label": (f"> {A}", f"You said: {A}", f"{REPEAT_LABEL}You said: {A}"),
    "only with the label": (f"> {A}", f"{REPEAT_LABEL}You said: {A}"),
    "twice with the label": (f"> {A}", *[f"{REPEAT_LABEL}You said: {A}"] * 2),
    "a notice": (f"> {A}", NOTICE, f"Going on with: {A}"),
    "a notice that may be a repeat": (f"> {A}", NOTICE, REPEAT_LABEL + NOTICE, f"Going on with: {A}"),
    "a late answer": (f"> {A}", f"> {B}", f"You said: {A}", f"> {C}", f"You said: {B}", f"You said: {C}"),
    "a repeat after the next answer": (
        f"> {A}",
        f"> {B}",
        f"You said: {A}",
        f"You said: {B}",
        f"{REPEAT_LABEL}You said: {A}",
    ),
    "nothing at all": (),
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
    "a label without a message": ((f"> {A}", f"You said: {A}", f"{REPEAT_LABEL}Hello"), Kind.UNSOLICITED),
    "a word of another chat": ((f"> {A}", f"You said: {A}", f"You said: {C}"), Kind.UNSOLICITED),
    "an answer before its question": ((f"You said: {A}", f"> {A}"), Kind.UNSOLICITED),
    "a notice of an unknown kind": ((NOTICE + "!",), Kind.UNSOLICITED),
    "an apology": ((f"> {A}", f"{A}\n\n⚠ The agent stopped."), Kind.FAILED),
    "answers in the wrong order": ((f"> {A}", f"> {B}", f"You: {B}", f"You: {A}"), Kind.ORDER),
    "the wrong order within one message": ((f"> {A}", f"> {B}", f"You: {B} {A}"), Kind.ORDER),
    "a labelled answer out of order": (
        (f"> {A}", f"> {B}", f"{REPEAT_LABEL}You: {B}", f"You: {A}"),
        Kind.ORDER,
    ),
}


@pytest.mark.parametrize("lines", GOOD.values(), ids=GOOD)
def test_what_is_allowed_is_no_violation(lines):
    assert found(*lines) == []


@pytest.mark.parametrize(("lines", "kind"), BAD.values(), ids=BAD)
def test_each_kind_of_violation_is_caught_alone(lines, kind):
    assert found(*lines) == [kind]


def test_every_kind_is_covered():
    assert {kind for _, kind in BAD.values()} | {Kind.SPOKE} == set(Kind)


@pytest.mark.parametrize(
    ("line", "expected"),
    [(NOTICE, [Kind.SPOKE]), (f"{REPEAT_LABEL}You said: {A}", [Kind.SPOKE]), ("> still here", [])],
)
def test_an_idle_chat_stays_silent(line, expected):
    lines = (f"> {A}", f"You said: {A}", line, f"> {B}", f"You said: {B}")
    assert found(*lines, silence=(1.5, 3.0)) == expected


def test_an_idle_chat_may_speak_before_and_after():
    lines = (f"> {A}", f"You said: {A}", f"> {B}", f"You said: {B}")
    assert found(*lines, silence=(1.5, 2.0)) == []


def test_the_numbers_are_counted_over_all_chats():
    one = transcript(f"> {A}", f"You said: {A}", f"{REPEAT_LABEL}You said: {A}", chat=1)
    two = transcript(f"> {B}", NOTICE, f"> {C}", f"You said: {C}", chat=2)
    verdict = judge([one, two], KNOWN)
    assert (verdict.asked, verdict.labelled, verdict.notices) == (3, 1, 1)
    assert verdict.count(Kind.LOST) == 1
    assert verdict.count(Kind.DOUBLED) == 0
    assert str(verdict.violations[0]) == f"lost in chat 2: {B} was never answered"


def test_a_word_in_another_chat_is_lost_here_and_unsolicited_there():
    one = transcript(f"> {A}", chat=1)
    two = transcript(f"> {B}", f"You said: {B}", f"You said: {A}", chat=2)
    verdict = judge([one, two], KNOWN)
    assert [(one.kind, one.chat) for one in verdict.violations] == [(Kind.LOST, 1), (Kind.UNSOLICITED, 2)]


def test_words_are_told_apart_by_their_whole_length():
    assert words(f"{word(1)} and {word(11)}, {word(1)}") == (word(1), word(11))
    assert words("word1 word1xy sword1x") == ()
