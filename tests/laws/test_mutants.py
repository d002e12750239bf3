"""Laws whose guard is taken away: the test that is named after the law has to go red.

Each mutant is one change of text in a copy of the project, and the tests that should notice it. A mutant that
does not apply any more has to be brought up to date with the code that it was made for.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.sources import ROOT

STORE = "tests/contract/test_store_"
ENGINE = "tests/laws/test_engine_turns.py"


@dataclass(frozen=True)
class Mutant:
    path: str
    old: str
    new: str
    test: str


MUTANTS = {
    "law 1, half a batch is committed": Mutant(
        "gateway/store/committer.py",
        'raw.execute("ROLLBACK")',
        'raw.execute("COMMIT")',
        f"{STORE}inbox.py::test_law_01_a_batch_that_fails_leaves_neither_message_nor_cursor",
    ),
    "law 1, nobody looks for waiting messages": Mutant(
        "gateway/rules/recovery.py",
        "if candidate.waiting:",
        "if False:",
        f"{ENGINE}::test_law_01_a_first_message_that_was_committed_and_no_more_is_answered",
    ),
    "law 1, a new session has no author": Mutant(
        "gateway/store/resumes.py",
        "return replace(session, origin=message_of(row).origin) if row else session",
        "return session",
        f"{STORE}resumes.py::test_law_01_a_first_message_that_never_got_a_turn_knows_its_author",
    ),
    "law 2, no dedupe": Mutant(
        "gateway/store/inbox.py",
        "    if known:\n",
        "    if False:\n",
        f"{STORE}inbox.py::test_law_02_an_event_id_enters_the_ledger_once",
    ),
    "law 2, a command is answered each time": Mutant(
        "gateway/store/inbox.py",
        "if done is not None and not tx.execute(sql.FINISH_COMMAND, (done,)).rowcount:",
        "if done is not None and tx.execute(sql.FINISH_COMMAND, (done,)) is None:",
        f"{STORE}inbox.py::test_law_02_a_command_is_answered_once",
    ),
    "law 2, what may have arrived is simply sent again": Mutant(
        "gateway/store/statements.py",
        "\"UPDATE deliveries SET state = 'unknown', error",
        "\"UPDATE deliveries SET state = 'pending', error",
        "tests/unit/test_outbox.py::test_law_02_what_a_crash_left_unknown_is_never_blindly_sent_again",
    ),
    "law 3, a turn that outlives its boot is forgotten": Mutant(
        "gateway/store/statements.py",
        "WHERE t.state = 'running' ORDER BY t.id",
        "WHERE t.state = 'running' AND b.stopped_at IS NULL ORDER BY t.id",
        f"{STORE}boots.py::test_law_03_a_turn_that_outlived_a_clean_stop_is_interrupted_too",
    ),
    "law 5, the resume event does not give way": Mutant(
        "gateway/store/statements.py",
        "ORDER BY kind = 'internal', id LIMIT 1",
        "ORDER BY id LIMIT 1",
        f"{STORE}turns.py::test_law_05_the_next_message_carries_the_note_and_the_resume_event_gives_way",
    ),
    "law 6, any end clears the marker": Mutant(
        "gateway/store/turns.py",
        "if end.state.ended_well:",
        "if end.state is not TurnState.INTERRUPTED:",
        f"{STORE}turns.py::test_law_06_only_a_turn_that_ended_well_clears_the_marker",
    ),
    "mark before interrupt, the other way round": Mutant(
        "gateway/engine/drain.py",
        "            await self._mark(request)\n",
        "            await parts.turns.cut_all()\n            await self._mark(request)\n",
        f"{ENGINE}::test_law_06_a_turn_is_marked_before_it_is_cut",
    ),
    "law 7, a suspended session is worked on": Mutant(
        "gateway/store/turns.py",
        "if session.state is SessionState.SUSPENDED:",
        "if session.state == 'nothing':",
        f"{STORE}resumes.py::test_law_07_suspended_beats_pending_when_messages_wait",
    ),
    "law 7, a turn activates a suspended session": Mutant(
        "gateway/store/statements.py",
        "state = CASE state WHEN 'suspended' THEN state ELSE 'active' END",
        "state = 'active'",
        f"{STORE}turns.py::test_law_07_a_suspended_session_is_not_activated_by_its_turn",
    ),
    "law 7, stale markers are resumed": Mutant(
        "gateway/rules/recovery.py",
        "if age > policy.freshness:",
        "if age > 1e12:",
        "tests/unit/test_rules_recovery.py::test_law_07_in_words",
    ),
    "law 8, attempts are not counted": Mutant(
        "gateway/store/turns.py",
        "int(marked), now, session_id",
        "0, now, session_id",
        f"{ENGINE}::test_law_08_a_session_that_keeps_being_cut_is_suspended_and_told",
    ),
    "law 10, two turns at once": Mutant(
        "gateway/store/migrations/0001_ledger.sql",
        "CREATE UNIQUE INDEX turns_one_running",
        "CREATE INDEX turns_one_running",
        f"{STORE}turns.py::test_law_10_one_running_turn_per_session",
    ),
    "law 10, last in, first out": Mutant(
        "gateway/store/statements.py",
        "ORDER BY kind = 'internal', id LIMIT 1",
        "ORDER BY kind = 'internal', id DESC LIMIT 1",
        f"{STORE}inbox.py::test_law_10_first_in_first_out",
    ),
    "law 10, a stop is undone by the next reconnect": Mutant(
        "gateway/store/resumes.py",
        "    withdraw_resumes(tx, [session_id])\n    return tx.execute(sql.STOP",
        "    return not tx.execute(sql.SESSION_STATE, (session_id,)) and tx.execute(sql.STOP",
        f"{ENGINE}::test_law_10_an_explicit_stop_wins_over_a_rerun",
    ),
    "law 11, a full disk is nobody's business": Mutant(
        "gateway/store/committer.py",
        "        sqlite3.SQLITE_FULL,\n",
        "",
        f"{STORE}writing.py::test_law_11_a_full_disk_takes_nothing_and_says_so",
    ),
    "law 10, the marker outlives a turn that ended well": Mutant(
        "gateway/store/turns.py",
        "        clear_mark(tx, session_id, now)",
        "        pass",
        "tests/playbook/test_restarts.py::test_law_10_first_in_first_out_across_a_kill",
    ),
    "law 2, a finished turn is run again": Mutant(
        "gateway/store/statements.py",
        "WHERE t.state = 'running' ORDER BY t.id",
        "WHERE t.state IN ('running', 'completed') ORDER BY t.id",
        "tests/playbook/test_restarts.py::test_law_02_a_finished_turn_is_delivered_and_not_run_again",
    ),
    "law 8, crashes are not remembered": Mutant(
        "gateway/store/boots.py",
        "    crashes = tuple(row[0] for row in tx.execute(sql.CRASHES, (CRASHES_REMEMBERED,)))",
        "    crashes = ()",
        "tests/playbook/test_restarts.py::test_law_08_after_too_many_crashes_nothing_is_resumed_unasked",
    ),
    "law 5, a second note is written": Mutant(
        "gateway/rules/note.py",
        '    return "\\n".join(lines)',
        '    return "\\n".join(lines + lines)',
        "tests/unit/test_rules_note.py::test_law_05_exactly_one_note",
    ),
    "a restart that was asked for runs twice": Mutant(
        "gateway/engine/commands.py",
        "                continue  # of this very boot, and on its way",
        "                pass",
        "tests/playbook/test_stops.py::test_a_restart_that_was_asked_for_while_it_was_down_restarts_once",
    ),
    "law 12, how it was continued is not stored": Mutant(
        "gateway/store/turns.py",
        "tx.execute(sql.SET_TURN_MODE, (mode, why, turn_id))",
        "pass",
        f"{STORE}turns.py::test_law_12_how_a_session_was_continued_is_stored",
    ),
}


def run(folder: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Run tests of a copy, with nothing that only slows them down."""
    options = ["-q", "-x", "--noconftest", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist"]
    environ = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    environ.pop("PYTEST_XDIST_WORKER", None)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project once more, to be broken."""
    for name in ("gateway", "adapters", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_killed(copy: Path, name: str):
    mutant = MUTANTS[name]
    target = copy / mutant.path
    text = target.read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1, "the guard that this mutant removes stands somewhere else now"
    target.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    done = run(copy, mutant.test)
    assert done.returncode == 1, f"it lives: {done.stdout}{done.stderr}"
    assert " failed" in done.stdout


@pytest.mark.slow
def test_without_a_mutant_the_same_tests_pass(copy: Path):
    done = run(copy, *sorted({mutant.test for mutant in MUTANTS.values()}))
    assert done.returncode == 0, done.stdout + done.stderr
