"""What became of what was typed on the page of `carryon demo --play`."""

import pytest

from gateway.demo.count import Reply
from gateway.demo.echo import Count, Said, count
from gateway.engine import streams

CHAT = ("slack", "D1")


def typed(*texts, place=CHAT, at=1.0):
    return [Said(place, "Sam", text, at) for text in texts]


def bot(*texts, at=2.0, chat="D1"):
    return [Reply("slack", chat, at, text) for text in texts]


def counted(said, replies, *, owing=False):
    return count(said, replies, lambda _: owing)


@pytest.mark.parametrize(
    "answer",
    [
        "You said: Name it Falcon, please.",
        "Going on with: Name it Falcon, please.",
        "Going on with: Name it\n\nFalcon, please.\n\nI ran build.",
        "You said: Sam: Name it Falcon, please.",
        "You said: *Name it* Falcon, please.\n\nDone.",
        "Going on with: Something else.\n\nYou said: Name it Falcon, please.",
    ],
)
def test_an_answer_repeats_the_words(answer):
    said = typed("Name it [[tool build 2s]] Falcon, please.")
    assert counted(said, bot(answer)) == Count(asked=1, answered=1)


@pytest.mark.parametrize(
    "answer",
    [
        "You said: Name it",
        "You said: Name it Falcon, please. And more.",
        "From my own memory:\n- Name it Falcon, please.",
        f"You said: Name it Falcon, please.{streams.CONTINUED}",
    ],
)
def test_nothing_else_is_an_answer(answer):
    said = typed("Name it Falcon, please.")
    assert counted(said, bot(answer), owing=True) == Count(asked=1, waiting=1)
    assert counted(said, bot(answer)) == Count(asked=1, lost=1)


def test_what_was_said_before_or_elsewhere_is_no_answer():
    said = typed("Hello")
    assert counted(said, bot("You said: Hello", at=0.5)).lost == 1
    assert counted(said, bot("You said: Hello", chat="D2")).lost == 1


def test_the_same_words_twice_are_two_questions():
    said = typed("Hello", "hello!", "Hello there")
    answers = bot("You said: Hello", "You said: Hello there")
    assert counted(said, answers) == Count(asked=3, answered=2, lost=1)
    assert counted(said, [*answers, *bot("You said: hello!")]) == Count(asked=3, answered=3)


def test_one_answer_too_many_is_a_duplicate_unless_it_says_so():
    said, once = typed("Hello"), bot("You said: Hello")
    labelled = bot("↻ This may be a repeat: the connection broke.\n\nYou said: Hello")
    assert counted(said, once * 2) == Count(asked=1, answered=1, duplicated=1)
    assert counted(said, [*once, *labelled]) == Count(asked=1, answered=1, repeats=1)
    assert counted(said, labelled) == Count(asked=1, answered=1)


def test_what_cannot_be_told_apart_is_not_counted():
    assert counted(typed("[[recall]]", "/status", "Fall over [[crash]]", "…"), []) == Count()


def test_who_begins_anew_waits_for_nothing_any_more():
    said = [*typed("Hello"), *typed("Hello", place=("slack", "C1")), *typed("/new", "Again")]
    assert counted(said, []) == Count(asked=2, lost=2)
