"""`carryon demo`: the real command, and a count that is not to be fooled."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from adapters.labels import REPEAT_LABEL
from gateway import cli, demo
from gateway.demo import count, premises, screen
from gateway.demo.cast import PLATFORMS, casts
from gateway.demo.count import Question, Reply, tally
from gateway.demo.play import Bounds
from gateway.demo.premises import AGENT_HOME
from gateway.demo.verdict import Act, Continuation, Outcome, problems, rows
from gateway.engine import streams
from gateway.model.session import ResumeMode
from gateway.model.turn import TurnState

CARRYON = (str(Path(sys.executable).with_name("carryon")), "demo")

ANN, BOB = "1", "2"
BEFORE = Question("telegram", BOB, "Bob", "Which host runs Wren?", "Wren", 1.0)
SLOW = Question("telegram", ANN, "Ann", "Build it and name it Falcon.", "Falcon", 2.0)
LATER = Question("telegram", ANN, "Ann", "Tell the Heron team.", "Heron", 4.0)
QUESTIONS = (BEFORE, SLOW, LATER)


def said(chat, at, text, platform="telegram"):
    return Reply(platform, chat, at, text)


TO_BEFORE = said(BOB, 1.5, "You said: Which host runs Wren?")
TO_SLOW = said(ANN, 6.0, "Going on with: Build it and name it Falcon.")
TO_LATER = said(ANN, 6.5, "You said: Tell the Heron team.")
REPLIES = (TO_BEFORE, TO_SLOW, TO_LATER)
NATIVE = Continuation(TurnState.INTERRUPTED, TurnState.COMPLETED, ResumeMode.NATIVE, "replayed")


def outcome(replies=REPLIES, continuation=NATIVE, exit_code=0):
    act = Act("telegram", QUESTIONS, tuple(replies), SLOW, 5.0, continuation)
    return Outcome((act,), exit_code)


def counted(replies):
    found = tally(QUESTIONS, replies)
    return found.answered, len(found.lost), len(found.duplicated), found.repeats, len(found.unsolicited)


# The count.


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        pytest.param(REPLIES, (3, 0, 0, 0, 0), id="each once"),
        pytest.param((TO_BEFORE, TO_LATER), (2, 1, 0, 0, 0), id="one lost"),
        pytest.param((), (0, 3, 0, 0, 0), id="all lost"),
        pytest.param((*REPLIES, TO_SLOW), (3, 0, 1, 0, 0), id="one twice"),
        pytest.param((*REPLIES, TO_SLOW, TO_SLOW), (3, 0, 2, 0, 0), id="one three times"),
        pytest.param(
            (TO_BEFORE, said(ANN, 6, "Falcon it is, and Heron knows.")), (3, 0, 0, 0, 0), id="two in one"
        ),
        pytest.param(
            (*REPLIES, said(ANN, 6, "Falcon it is, and Heron knows.")), (3, 0, 2, 0, 0), id="both once more"
        ),
        pytest.param(
            (*REPLIES, said(ANN, 9, REPEAT_LABEL + TO_SLOW.text)), (3, 0, 0, 1, 0), id="labelled repeat"
        ),
        pytest.param(
            (TO_BEFORE, said(ANN, 9, REPEAT_LABEL + TO_SLOW.text), TO_LATER),
            (3, 0, 0, 0, 0),
            id="labelled, but the only one",
        ),
        pytest.param(
            (TO_BEFORE, TO_LATER, *[said(ANN, 9, REPEAT_LABEL + TO_SLOW.text)] * 2),
            (3, 0, 0, 1, 0),
            id="labelled twice",
        ),
        pytest.param((*REPLIES, said(BOB, 9, "I am back!")), (3, 0, 0, 0, 1), id="idle chat disturbed"),
        pytest.param((*REPLIES, said(BOB, 9, TO_SLOW.text)), (3, 0, 0, 0, 1), id="told somebody else"),
        pytest.param(
            (TO_BEFORE, said(BOB, 9, TO_SLOW.text), TO_LATER), (2, 1, 0, 0, 1), id="only told somebody else"
        ),
        pytest.param((said(BOB, 0.5, "Wren?"), *REPLIES), (3, 0, 0, 0, 1), id="before it was asked"),
        pytest.param((TO_BEFORE, TO_LATER, said(ANN, 9, "Falcons.")), (2, 1, 0, 0, 1), id="another word"),
        pytest.param(
            (TO_BEFORE, TO_LATER, said(ANN, 6.0, TO_SLOW.text, "slack")), (2, 1, 0, 0, 1), id="elsewhere"
        ),
        pytest.param(
            (*REPLIES, said(ANN, 5, f"Falcon{streams.CONTINUED}")), (3, 0, 0, 0, 0), id="and a part of one"
        ),
        pytest.param(
            (TO_BEFORE, TO_LATER, said(ANN, 5, f"Falcon{streams.CUT_SHORT}")),
            (2, 1, 0, 0, 0),
            id="only a part of one",
        ),
        pytest.param(
            (*REPLIES, said("3", 9, f"Hello{streams.CONTINUED}")), (3, 0, 0, 0, 1), id="a part of nothing"
        ),
    ],
)
def test_counts(replies, expected):
    assert counted(replies) == expected


def test_knows_what_the_gateway_says_of_repeats_and_parts():
    assert count.REPEAT_LABEL in REPEAT_LABEL
    endings = (streams.CONTINUED, streams.STOPPED, streams.CUT_SHORT)
    assert all(ending.endswith(known) for ending, known in zip(endings, count.FRAGMENTS, strict=True))


# The verdict.


@pytest.mark.parametrize("mode", [ResumeMode.NATIVE, ResumeMode.BOOTSTRAP])
def test_everything_as_promised(mode):
    continued = Continuation(TurnState.INTERRUPTED, TurnState.COMPLETED, mode, "why")
    assert problems(outcome(continuation=continued)) == ()


def test_the_table_has_a_column_for_each_platform():
    acts = [Act(name, QUESTIONS, replies, SLOW, 5.0, NATIVE) for name, replies in (("a", REPLIES), ("b", ()))]
    table = {name: values for name, values, _ in rows(Outcome(tuple(acts), 0), 2.0)}
    assert table[""] == ("a", "b")
    assert (table["answered"], table["lost"]) == (("3", "0"), ("0", "3"))
    assert (table["resume mode"], table["resumed reply"]) == (("native", "native"), ("1.0", "none"))


def test_the_words_of_the_cast_are_nowhere_twice():
    lines = [
        line for cast in casts(PLATFORMS) for line in (cast.earlier, cast.slow, cast.later, cast.newcomer)
    ]
    for line in lines:
        assert [other.word for other in lines if line.word in other.text] == [line.word]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"replies": (TO_BEFORE, TO_SLOW)}, "lost: Ann's message about Heron"),
        ({"replies": (*REPLIES, TO_BEFORE)}, "duplicated: Bob's message about Wren"),
        (
            {"replies": (*REPLIES, said(BOB, 9, "I am\nback!"))},
            'unsolicited: nobody had asked for "I am back!"',
        ),
        ({"replies": (TO_BEFORE, said(ANN, 3.0, "Falcon"), TO_LATER)}, "not interrupted"),
        ({"continuation": None}, "not interrupted"),
        ({"continuation": Continuation(TurnState.INTERRUPTED)}, "not continued: no turn"),
        (
            {"continuation": Continuation(TurnState.INTERRUPTED, TurnState.FAILED, ResumeMode.NATIVE)},
            "not continued: the turn that took up the interrupted one is failed",
        ),
        (
            {"continuation": Continuation(TurnState.INTERRUPTED, TurnState.COMPLETED, ResumeMode.FRESH, "x")},
            "not continued: the agent had forgotten the conversation (mode fresh: x)",
        ),
        ({"exit_code": 1}, "not stopped cleanly"),
    ],
)
def test_says_what_went_wrong(given, expected):
    (problem,) = problems(outcome(**given))
    assert problem.removeprefix("telegram: ").startswith(expected)


# The real command.


def begin(tmp_path, *more, **environment):
    return subprocess.Popen(
        (*CARRYON, *more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path), "CARRYON_CONFIG": "nowhere.yaml", **environment},
    )


def left_in(directory):
    """The processes that anybody started for a demo in this directory."""
    found = []
    for process in psutil.process_iter():
        try:
            words = (*process.cmdline(), process.environ().get(AGENT_HOME, ""))
        except (psutil.Error, OSError):
            continue
        if any(word.startswith(str(directory)) for word in words):
            found.append(process)
    return found


def table_of(printed):
    """The rows by name: one value for each platform."""
    lines = [re.split(r" {2,}", line) for line in printed.split("----\n")[1].splitlines()]
    platforms = len(lines[0]) - 1
    return {line[1]: tuple(line[2 : 2 + platforms]) for line in lines if len(line) > platforms + 1}


@pytest.mark.slow
def test_the_command_proves_the_main_job(tmp_path):
    began = time.monotonic()
    with begin(tmp_path) as process:
        printed, complaints = process.communicate(timeout=110)

    assert (process.returncode, complaints) == (0, ""), printed
    table = table_of(printed)
    assert max(map(float, table.pop("resumed reply"))) < time.monotonic() - began
    assert table == {
        "asked": ("4", "4", "4"),
        "answered": ("4", "4", "4"),
        "lost": ("0", "0", "0"),
        "duplicated": ("0", "0", "0"),
        "unsolicited": ("0", "0", "0"),
        "resume mode": ("native", "native", "native"),
    }
    assert "\x1b" not in printed
    assert max(map(len, printed.splitlines())) <= 100
    told, place = " ".join(printed.split()), 0
    for words in (
        "starts, on",
        "waits until it has connected to telegram, discord and slack",
        "bot -> Bob",
        "is at work",
        "kill -9",
        "Ann -> bot Tell the Heron",
        "Cleo -> bot Is Kestrel",
        "starts again",
        "resumed Ann's turn: native",
        "stopped",
    ):
        assert words in told[place:], f"{words!r} is missing, or too early:\n{printed}"
        place = told.index(words, place)
    assert "Finn -> bot Who looks after Rowan? (in a channel, by mention)" in told
    assert "did not repeat it" in told
    assert left_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seen", "number", "code"), [("is at work", signal.SIGINT, 130), ("starts again", signal.SIGTERM, 143)]
)
def test_being_stopped_leaves_nothing_behind(tmp_path, seen, number, code):
    with begin(tmp_path, "--platform", "telegram") as process:
        while seen not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(number)
        process.communicate(timeout=30)

    assert process.returncode == code
    assert left_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_gateway_that_does_not_come_up_is_one_clear_line(tmp_path):
    with begin(tmp_path, "--platform", "telegram", CARRYON_FAILPOINT="boot.opened") as process:
        _, complaints = process.communicate(timeout=30)

    assert process.returncode == 1
    first, second = complaints.splitlines()
    assert (
        "the gateway ended by itself (signal SIGKILL) while the demo waited for the gateway to connect to"
        in first
    )
    log = Path(re.search(r"log is (\S+);", second)[1])
    assert "boot.started" in log.read_text()
    assert left_in(tmp_path) == []


# Gateways that do what ours must not do.


def gateway_that(tmp_path, *deeds):
    """Ours, but somebody was at its files between the kill and the second start."""
    script = tmp_path / "gateway.py"
    script.write_text(PRANKSTER.format(deeds="".join(f"\n    {deed}" for deed in deeds)))
    return (sys.executable, str(script))


def sql(statement):
    return f"with sqlite3.connect(ledger) as db: assert db.execute({statement!r}).rowcount == 1"


PRANKSTER = """
import os, pathlib, shutil, sqlite3, sys
here = pathlib.Path.cwd()
ledger = here / "state" / "ledger.db"
if ledger.exists():{deeds}
os.execv(sys.executable, [sys.executable, "-m", "gateway", *sys.argv[1:]])
"""


@pytest.fixture
def rooms(tmp_path, monkeypatch):
    directory = tmp_path / "rooms"
    directory.mkdir()
    monkeypatch.setenv("TMPDIR", str(directory))
    monkeypatch.setattr("tempfile.tempdir", str(directory))
    yield directory
    assert left_in(directory) == []


def of(account, statement):
    return sql(f"{statement} AND session_id IN (SELECT id FROM sessions WHERE account = '{account}')")


@pytest.mark.slow
def test_a_gateway_that_loses_doubles_and_forgets_is_found_out(tmp_path, rooms, capsys):
    program = gateway_that(
        tmp_path,
        of("telegram", "UPDATE turns SET state = 'cancelled' WHERE state = 'running'"),
        of("slack", "UPDATE deliveries SET state = 'pending' WHERE state = 'sent' AND kind = 'reply'"),
        'shutil.rmtree(here / "agent" / "sessions")',
    )

    assert demo.run(program, Bounds(answers=8), ("telegram", "slack")) == 1

    printed, complaints = capsys.readouterr()
    table = table_of(printed)
    assert table["lost"] == ("1", "0")
    assert table["answered"] == ("3", "4")
    assert table["duplicated"] == ("0", "1")
    assert table["resume mode"] == ("none", "bootstrap")
    assert "resumed Gus's turn: bootstrap" in printed
    assert "carryon: telegram: lost: Ann's message about Falcon was never answered" in complaints
    assert "carryon: slack: duplicated: Hana's message about Amber was answered once more" in complaints
    assert len(list(rooms.glob("*/gateway.log"))) == 1


@pytest.mark.slow
def test_a_gateway_that_hangs_is_given_up(tmp_path, rooms, capsys):
    began = time.monotonic()
    program = (sys.executable, "-c", "import signal; signal.pause()")

    assert demo.run(program, Bounds(everything=1.0)) == 1

    assert time.monotonic() - began < 30
    assert "gave up after 1 s, while waiting for the gateway to connect to" in capsys.readouterr().err


def test_a_missing_agent_is_said_at_once(rooms, capsys, monkeypatch):
    monkeypatch.setattr(premises, "AGENT", "no-such-agent")

    assert demo.main() == 1

    assert "the demo cannot begin: no-such-agent is neither on PATH nor in" in capsys.readouterr().err
    assert list(rooms.iterdir()) == []


# The screen.


class Terminal(io.StringIO):
    encoding = "ascii"

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("no_color", "term", "colours"), [("", "xterm", True), ("1", "xterm", False), ("", "dumb", False)]
)
def test_colours_only_where_they_are_wanted(monkeypatch, no_color, term, colours):
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", term)
    terminal = Terminal()

    screen.Screen(terminal).tell("you", "kill", screen.Tone.ALARM)

    assert ("\x1b" in terminal.getvalue()) is colours


def test_writes_what_the_terminal_cannot_show_as_something_else(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()

    screen.Screen(terminal).tell("bot -> Ann", "↻ again")

    assert terminal.getvalue() == "   0.0 s           bot -> Ann  ? again\n"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--platform", "irc"], "there is no platform 'irc'; there are: telegram, discord, slack"),
        (["--port", "1"], "--port is the page's; add --play"),
    ],
)
def test_arguments_that_make_no_sense_are_told(monkeypatch, capsys, given, told):
    monkeypatch.setattr("sys.argv", ["carryon", "demo", *given])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 2
    assert told in capsys.readouterr().err
