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

from adapters.telegram.adapter import REPEAT_LABEL
from gateway import demo
from gateway.demo import count, premises, screen
from gateway.demo.count import Question, Reply, tally
from gateway.demo.play import Bounds
from gateway.demo.premises import AGENT_HOME
from gateway.demo.verdict import Continuation, Outcome, problems
from gateway.model.session import ResumeMode
from gateway.model.turn import TurnState

CARRYON = (str(Path(sys.executable).with_name("carryon")), "demo")

ANN, BOB = 1, 2
BEFORE = Question(BOB, "Bob", "Which host runs Wren?", "Wren", 1.0)
SLOW = Question(ANN, "Ann", "Build it and name it Falcon.", "Falcon", 2.0)
LATER = Question(ANN, "Ann", "Tell the Heron team.", "Heron", 4.0)
QUESTIONS = (BEFORE, SLOW, LATER)
TO_BEFORE = Reply(BOB, 1.5, "You said: Which host runs Wren?")
TO_SLOW = Reply(ANN, 6.0, "Going on with: Build it and name it Falcon.")
TO_LATER = Reply(ANN, 6.5, "You said: Tell the Heron team.")
REPLIES = (TO_BEFORE, TO_SLOW, TO_LATER)
NATIVE = Continuation(TurnState.INTERRUPTED, TurnState.COMPLETED, ResumeMode.NATIVE, "replayed")


def outcome(replies=REPLIES, continuation=NATIVE, exit_code=0):
    return Outcome(QUESTIONS, replies, SLOW, 5.0, continuation, exit_code)


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
            (TO_BEFORE, Reply(ANN, 6, "Falcon it is, and Heron knows.")), (3, 0, 0, 0, 0), id="two in one"
        ),
        pytest.param(
            (*REPLIES, Reply(ANN, 6, "Falcon it is, and Heron knows.")), (3, 0, 2, 0, 0), id="both once more"
        ),
        pytest.param(
            (*REPLIES, Reply(ANN, 9, REPEAT_LABEL + TO_SLOW.text)), (3, 0, 0, 1, 0), id="labelled repeat"
        ),
        pytest.param(
            (TO_BEFORE, Reply(ANN, 9, REPEAT_LABEL + TO_SLOW.text), TO_LATER),
            (3, 0, 0, 0, 0),
            id="labelled, but the only one",
        ),
        pytest.param(
            (TO_BEFORE, TO_LATER, *[Reply(ANN, 9, REPEAT_LABEL + TO_SLOW.text)] * 2),
            (3, 0, 0, 1, 0),
            id="labelled twice",
        ),
        pytest.param((*REPLIES, Reply(BOB, 9, "I am back!")), (3, 0, 0, 0, 1), id="idle chat disturbed"),
        pytest.param((*REPLIES, Reply(BOB, 9, TO_SLOW.text)), (3, 0, 0, 0, 1), id="told somebody else"),
        pytest.param(
            (TO_BEFORE, Reply(BOB, 9, TO_SLOW.text), TO_LATER), (2, 1, 0, 0, 1), id="only told somebody else"
        ),
        pytest.param((Reply(BOB, 0.5, "Wren?"), *REPLIES), (3, 0, 0, 0, 1), id="before it was asked"),
        pytest.param((TO_BEFORE, TO_LATER, Reply(ANN, 9, "Falcons.")), (2, 1, 0, 0, 1), id="another word"),
    ],
)
def test_counts(replies, expected):
    assert counted(replies) == expected


def test_knows_the_label_of_a_repeat():
    assert count.REPEAT_LABEL in REPEAT_LABEL


# The verdict.


def test_everything_as_promised():
    assert problems(outcome()) == ()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"replies": (TO_BEFORE, TO_SLOW)}, "lost: Ann's message about Heron"),
        ({"replies": (*REPLIES, TO_BEFORE)}, "duplicated: Bob's message about Wren"),
        (
            {"replies": (*REPLIES, Reply(BOB, 9, "I am\nback!"))},
            'unsolicited: nobody had asked for "I am back!"',
        ),
        ({"replies": (TO_BEFORE, Reply(ANN, 3.0, "Falcon"), TO_LATER)}, "not interrupted"),
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
    assert problem.startswith(expected)


# The real command.


def begin(tmp_path, **environment):
    return subprocess.Popen(
        CARRYON,
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
    return dict(
        re.findall(r"^  (\w+(?: \w+)?) {2,}(\S+)(?:  .*)?$", printed.split("----\n")[1], re.MULTILINE)
    )


@pytest.mark.slow
def test_the_command_proves_the_main_job(tmp_path):
    began = time.monotonic()
    with begin(tmp_path) as process:
        printed, complaints = process.communicate(timeout=90)

    assert (process.returncode, complaints) == (0, ""), printed
    table = table_of(printed)
    assert float(table.pop("resumed reply")) < time.monotonic() - began
    assert table == {
        "asked": "4",
        "answered": "4",
        "lost": "0",
        "duplicated": "0",
        "unsolicited": "0",
        "resume mode": "native",
    }
    assert "\x1b" not in printed
    assert max(map(len, printed.splitlines())) <= 100
    place = 0
    for words in (
        "starts, on",
        "bot -> Bob   You said",
        "is at work",
        "kill -9",
        "Ann -> bot   Tell the Heron",
        "Cleo -> bot  Is Kestrel",
        "starts again",
        "resumed Ann's turn: native",
        "bot -> Ann   Going on with",
        "stopped",
    ):
        place = printed.index(words, place)
    assert "did not repeat it" in printed
    assert left_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seen", "number", "code"), [("is at work", signal.SIGINT, 130), ("starts again", signal.SIGTERM, 143)]
)
def test_being_stopped_leaves_nothing_behind(tmp_path, seen, number, code):
    with begin(tmp_path) as process:
        while seen not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(number)
        process.communicate(timeout=30)

    assert process.returncode == code
    assert left_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_gateway_that_does_not_come_up_is_one_clear_line(tmp_path):
    with begin(tmp_path, CARRYON_FAILPOINT="boot.opened") as process:
        _, complaints = process.communicate(timeout=30)

    assert process.returncode == 1
    first, second = complaints.splitlines()
    assert (
        "the gateway ended by itself (signal SIGKILL) while the demo waited for the gateway to connect"
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


@pytest.mark.slow
def test_a_gateway_that_loses_is_found_out(tmp_path, rooms, capsys):
    program = gateway_that(tmp_path, sql("UPDATE turns SET state = 'cancelled' WHERE state = 'running'"))

    assert demo.run(program, Bounds(answers=8)) == 1

    printed, complaints = capsys.readouterr()
    assert table_of(printed)["lost"] == "1"
    assert table_of(printed)["answered"] == "3"
    assert "carryon: lost: Ann's message about Falcon was never answered" in complaints
    assert len(list(rooms.glob("*/gateway.log"))) == 1


@pytest.mark.slow
def test_a_gateway_that_doubles_is_found_out(tmp_path, rooms, capsys):
    program = gateway_that(tmp_path, sql("UPDATE deliveries SET state = 'pending' WHERE state = 'sent'"))

    assert demo.run(program, Bounds()) == 1

    printed, complaints = capsys.readouterr()
    assert table_of(printed)["duplicated"] == "1"
    assert table_of(printed)["lost"] == "0"
    assert "carryon: duplicated: Bob's message about Wren was answered once more" in complaints


@pytest.mark.slow
def test_an_agent_that_forgot_is_told_the_conversation_and_the_table_says_so(tmp_path, rooms, capsys):
    program = gateway_that(tmp_path, 'shutil.rmtree(here / "agent" / "sessions")')

    assert demo.run(program, Bounds()) == 0

    printed = capsys.readouterr().out
    assert table_of(printed)["resume mode"] == "bootstrap"
    assert "resumed Ann's turn: bootstrap" in printed


@pytest.mark.slow
def test_a_gateway_that_hangs_is_given_up(tmp_path, rooms, capsys):
    began = time.monotonic()
    program = (sys.executable, "-c", "import time; time.sleep(60)")

    assert demo.run(program, Bounds(everything=1.0)) == 1

    assert time.monotonic() - began < 30
    assert "gave up after 1 s, while waiting for the gateway to connect" in capsys.readouterr().err


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

    assert terminal.getvalue() == "   0.0 s  bot -> Ann   ? again\n"
