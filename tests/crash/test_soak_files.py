"""The soak's verdict on files and signs, and on messages in which nothing has grown yet."""

import pytest

from adapters.emulators.playground import Shown
from adapters.labels import REPEAT_LABEL
from gateway.engine.streams import CONTINUED
from gateway.rules.progress import WORKING
from tests.contract.particulars import ShownFile
from tests.crash.soak_files import (
    MADE_SIZE,
    Belongings,
    FileKind,
    content,
    counts,
    given,
    judge_files,
    made,
)
from tests.crash.soak_verdict import Kind, Known, Transcript, begun, ended, judge, opening, word

WANTS = f"{opening(1)} [[file {made(1)}]] {word(1)}"
BRINGS = f"{opening(2)} [[see]] {word(2)}"
LABEL = REPEAT_LABEL.strip()


def post(number, text, *, bot=False):
    return Shown(f"m{number}", "chat", "", "bot" if bot else "a", bot, text, float(number))


def file(name="made1x.csv", size=MADE_SIZE, text=""):
    return ShownFile("m9", name, b"x" * size, text)


def wanting(*files):
    return Belongings("chat", (post(0, WANTS),), files)


def bringing(folder, *found, told="", prompts=(1, 1)):
    paths = []
    for number, one in enumerate(found):
        paths.append(folder / f"{number}.csv")
        paths[-1].write_bytes(one)
    said = [post(1, told, bot=True)] if told else []
    return Belongings("chat", (post(0, BRINGS), *said), given={2: tuple(paths)}, prompts={2: prompts})


@pytest.mark.parametrize(
    ("files", "labels", "kinds"),
    [
        ((file(),), False, []),
        ((file(), file(text=LABEL)), True, []),
        ((file(text=LABEL),), True, []),
        ((), True, [FileKind.LOST]),
        ((file(size=3),), True, [FileKind.LOST]),
        ((file(), file()), True, [FileKind.DOUBLED]),
        ((file(), file(text=LABEL)), False, [FileKind.DOUBLED]),
        ((file(), file(made(7))), True, [FileKind.UNSOLICITED]),
    ],
)
def test_files_of_the_bot(files, labels, kinds):
    assert [one.kind for one in judge_files([wanting(*files)], labels=labels)] == kinds


def test_files_that_are_quoted_are_given_again(tmp_path):
    for prompts, kinds in (
        ((2, 2), []),
        ((0, 2), []),
        ((0, 1), [FileKind.GIVEN]),
        ((3, 4), [FileKind.GIVEN]),
    ):
        chat = bringing(tmp_path, content(2), content(2), prompts=prompts)
        assert [one.kind for one in judge_files([chat], labels=True)] == kinds


@pytest.mark.parametrize(
    ("found", "told", "kinds"),
    [
        ((content(2),), "", []),
        ((content(2),), f"ResourceLink {given(2)} text/csv missing", [FileKind.GIVEN]),
        ((), "", [FileKind.GIVEN]),
        ((content(2), content(2)), "", [FileKind.GIVEN]),
        ((content(3),), "", [FileKind.GIVEN]),
    ],
)
def test_files_of_people(tmp_path, found, told, kinds):
    chat = bringing(tmp_path, *found, told=told)
    assert [one.kind for one in judge_files([chat], labels=True)] == kinds


@pytest.mark.parametrize(
    ("signs", "right"), [(("👍",), True), (("👀",), False), ((), False), (("👀", "✅"), False)]
)
def test_exactly_the_sign_of_an_answer_stands(signs, right):
    found = judge_files([Belongings("chat", (), signs={1: signs})], labels=True)
    assert [one.kind for one in found] == ([] if right else [FileKind.SIGN])


def test_what_is_counted(tmp_path):
    assert counts([wanting(file(text=LABEL)), bringing(tmp_path)]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("below", "labels", "kinds"),
    [
        ((WORKING, f"{LABEL}\n\nYou said: {opening(1)} {word(1)}"), True, []),
        ((CONTINUED.strip(), f"You said: {opening(1)} {word(1)}"), False, []),
        ((WORKING, f"You said: {opening(1)} {word(1)}"), True, [Kind.HALF]),
        ((f"You said: {opening(1)} {word(1)}", WORKING), True, [Kind.HALF]),
        ((CONTINUED.strip(),), False, [Kind.LOST, Kind.HALF]),
    ],
)
def test_what_had_no_words_yet_is_followed_by_the_answer(below, labels, kinds):
    posts = [
        post(0, f"{opening(1)} {word(1)}"),
        *(post(n, text, bot=True) for n, text in enumerate(below, 1)),
    ]
    verdict = judge([Transcript("chat", tuple(posts))], Known(labels=labels))
    assert [one.kind for one in verdict.violations] == kinds


def test_a_tool_that_runs_ends_no_answer():
    assert ended(f"You said: {opening(1)} count\n\n⚙ {word(1)}") == ()
    assert ended(f"You said: {opening(1)} count\n\n-# ⚙ `{word(1)}` (1 done)") == ()
    assert begun(f"{opening(1)} count\n\nI ran {word(1)}.") == ended(f"I ran {word(1)}.") == (1,)
