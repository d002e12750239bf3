"""Laws whose guard is taken away: the test that is named after the law has to go red.

Each mutant is one change of text in a copy of the project, and the tests that should notice it. A mutant that
does not apply any more has to be brought up to date with the code that it was made for.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.pytest_server import PytestServer
from tests.helpers.sources import ROOT

STORE = "tests/contract/test_store_"
ENGINE = "tests/laws/test_engine_turns.py"
STREAMS = "tests/unit/test_streams"
AGENTS = "tests/contract/test_agents_"
ACCESS = "tests/unit/test_access"
DEEDS = "tests/unit/test_page_deeds.py"
RELOADED = "tests/unit/test_reload_access.py"
RESTORED = "tests/unit/test_restore.py"
RECONCILE = "tests/unit/test_outbox_reconcile.py"


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
    "law 2, a commit whose answer was lost is done again": Mutant(
        "gateway/store/postgres/writing.py",
        "doubt.committed = _is_committed(raw, doubt.xid)",
        "doubt.committed = False",
        f"{STORE}postgres.py::test_law_02_a_commit_whose_answer_is_lost_happens_once",
    ),
    "law 2, a gateway that lost its ledger to another one goes on writing": Mutant(
        "gateway/store/postgres/writing.py",
        "if newest > self.boot:",
        "if False:",
        f"{STORE}postgres.py::test_whoever_lost_the_ledger_to_another_gateway_never_writes_again",
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
        '            "restart": self._restarted,\n',
        "",
        "tests/unit/test_commands_catalogue.py::test_a_restart_that_was_asked_for_before_the_start_is_over",
    ),
    "law 12, how it was continued is not stored": Mutant(
        "gateway/store/turns.py",
        "tx.execute(sql.SET_TURN_MODE, (mode, why, turn_id))",
        "pass",
        f"{STORE}turns.py::test_law_12_how_a_session_was_continued_is_stored",
    ),
    "law 12, a resume is not counted": Mutant(
        "gateway/console/census.py",
        "if happening.resumes is not None:",
        "if happening.resumes == '':",
        "tests/unit/test_metrics.py::test_law_12_every_way_to_continue_is_counted_with_its_reason",
    ),
    "law 12, the page hides the mode": Mutant(
        "gateway/console/page/templates/session.html",
        "{% if t.resume_mode %}",
        "{% if false %}",
        f"{DEEDS}::test_law_12_how_a_conversation_was_continued_is_shown_with_its_reason",
    ),
    "law 11, health is silent": Mutant(
        "gateway/console/readiness.py",
        "if not status.ledger_writable:",
        "if False:",
        "tests/unit/test_health.py::test_law_11_health_says_that_the_ledger_cannot_be_written",
    ),
    "law 7, a reload leaves outsiders at work": Mutant(
        "gateway/reloading/effects.py",
        'if "access" in sections:',
        "if False:",
        f"{RELOADED}::test_law_07_a_turn_for_somebody_who_is_out_is_stopped",
    ),
    "law 7, what waits of an outsider stays": Mutant(
        "gateway/engine/operations.py",
        "            await self._withdraw_of(account, person)\n",
        "            pass\n",
        f"{RELOADED}::test_law_07_what_waited_when_somebody_was_out_is_not_answered_when_they_are_let_in_again",
    ),
    "law 7, a broken file counts": Mutant(
        "gateway/config/file.py",
        "(None if reading.problems else config)",
        "config",
        f"{RELOADED}::test_law_07_a_file_that_cannot_be_used_takes_nobodys_access_away",
    ),
    "a key in plain is shown": Mutant(
        "gateway/config_report/values.py",
        "    if _is_free(place):\n        shown",
        "    if False:\n        shown",
        "tests/unit/test_config_show.py::test_keys_that_somebody_wrote_in_plain_are_not_shown",
    ),
    "law 2, a restored conversation is not paused": Mutant(
        "gateway/store/restore_statements.py",
        "reason = 'restored' WHERE state <> 'suspended' AND (EXISTS",
        "reason = 'restored' WHERE state = 'suspended' AND (EXISTS",
        f"{RESTORED}::test_law_02_after_a_restore_nothing_that_was_under_way_is_done_unasked",
    ),
    "law 2, what was owed is sent after a restore": Mutant(
        "gateway/store/restored.py",
        "held = tx.execute(sql.HOLD_OWED, (HELD,)).rowcount",
        "held = 0",
        f"{RESTORED}::test_law_02_after_a_restore_nothing_that_was_under_way_is_done_unasked",
    ),
    "law 2, the moment of a restore is forgotten": Mutant(
        "gateway/store/boots.py",
        "(answer_since,) = tx.execute(restoring.ANSWER_SINCE).fetchone()",
        "answer_since = 0.0",
        f"{RESTORED}::test_law_02_from_when_on_what_is_read_back_is_answered",
    ),
    "law 2, ids are given out again": Mutant(
        "gateway/store/restored.py",
        "(IDS_AT_LEAST + IDS_PER_SECOND * math.ceil(max(0.0, now - taken_at)),)",
        "(0 * math.ceil(now - taken_at),)",
        f"{RESTORED}::test_law_02_after_a_restore_no_id_is_given_out_a_second_time",
    ),
    "law 11, a stuck commit is healthy": Mutant(
        "gateway/store/committer.py",
        "return self._writable and not stuck",
        "return self._writable",
        "tests/unit/test_committer.py::test_law_11_a_commit_that_hangs_counts_as_a_database_that_cannot_be_written",
    ),
    "a button pressed again acts again": Mutant(
        "gateway/console/page/tickets.py",
        "        if found.work is None:\n",
        "        if True:\n",
        f"{DEEDS}::test_a_deed_is_done_once",
    ),
    "law 1, what no agent heard is forgotten": Mutant(
        "gateway/store/turns.py",
        " and _reached_an_agent(tx, session.resume_turn_id)",
        "",
        f"{STORE}turns.py::test_law_01_what_no_agent_ever_heard_of_is_told_to_the_one_that_goes_on",
    ),
    "law 2, nobody asks what became of a send": Mutant(
        "gateway/engine/outbox.py",
        "outcome = await adapter.reconcile(delivery, await self._ledger.last_sent(delivery))",
        "outcome = Absent()",
        f"{RECONCILE}::test_what_arrived_is_not_sent_again",
    ),
    "law 2, an edit is the place after which a message is looked for": Mutant(
        "gateway/store/statements.py",
        "AND state = 'sent' AND edits IS NULL \"",
        "AND state = 'sent' \"",
        f"{STORE}streams.py::test_an_edit_is_no_anchor",
    ),
    "law 2, the latest claim is the one that is remembered": Mutant(
        "gateway/store/statements.py",
        "claimed_at = coalesce(claimed_at, ?)",
        "claimed_at = ?",
        f"{STORE}streams.py::test_the_first_claim_is_the_one_that_is_remembered",
    ),
    "an edit that may be done is said once more": Mutant(
        "gateway/engine/outbox.py",
        "if delivery.edits is not None and times <= DOUBTFUL_EDITS:",
        "if False:",
        f"{STREAMS}.py::test_an_end_of_unknown_outcome_is_repeated_without_a_word",
    ),
    "a closing line is worth a message of its own": Mutant(
        "gateway/engine/outbox.py",
        "return delivery.edits is not None and delivery.kind is DeliveryKind.REPLY",
        "return delivery.edits is not None",
        f"{STREAMS}_restarts.py::test_a_message_that_was_deleted_is_not_sent_to_be_closed",
    ),
    "an answer that will go on is closed": Mutant(
        "gateway/engine/turns.py",
        "if end.drafts or end.state is TurnState.INTERRUPTED:",
        "if end.drafts:",
        f"{STREAMS}_restarts.py::test_a_drain_closes_it_because_its_notice_comes_after",
    ),
    "an answer goes on above what came after it": Mutant(
        "gateway/engine/turns.py",
        "start.interruption is not None and growing.last and growing",
        "start.interruption is not None and growing",
        f"{STREAMS}_restarts.py::test_what_the_user_wrote_meanwhile_closes_the_old_message",
    ),
    "a reply ends the oldest open message": Mutant(
        "gateway/store/streams.py",
        "(open_ids[-1],)",
        "(open_ids[0],)",
        f"{STORE}streams.py::test_the_latest_stream_is_the_one_that_a_reply_ends",
    ),
    "a late change overwrites the end": Mutant(
        "gateway/engine/turns.py",
        "        await parts.streams.settled(stream)\n",
        "",
        f"{STREAMS}.py::test_the_end_waits_for_a_change_that_is_under_way",
    ),
    "a turn ends while its message is being opened": Mutant(
        "gateway/engine/streams.py",
        "        await stream.written.wait()\n",
        "",
        f"{STREAMS}_races.py::test_an_answer_that_ends_while_its_message_is_being_opened",
    ),
    "law 9, what is too old is answered": Mutant(
        "gateway/store/inbox.py",
        "untaken = full or entry.too_old or",
        "untaken = full or",
        "tests/unit/test_intake_backfill.py::"
        "test_what_is_too_old_stays_unanswered_after_a_start_and_a_second_reading",
    ),
    "a mode that is demanded and refused is done without": Mutant(
        "gateway/agents/settings.py",
        "        if demanded:\n",
        "        if False:\n",
        f"{AGENTS}settings.py::test_demand_of_the_config_that_is_refused_opens_nothing",
    ),
    "a prompt is given again after a tool call": Mutant(
        "gateway/agents/turn.py",
        "return not self._acted and not _HOPELESS",
        "return not _HOPELESS",
        f"{AGENTS}failures.py::test_error_after_a_tool_call_is_told_at_once",
    ),
    "a replay is not waited for": Mutant(
        "gateway/agents/ladder.py",
        "            await self._settle(replay)\n",
        "",
        f"{AGENTS}loading.py::test_replay_proves_the_load_and_is_not_taken_for_an_answer",
    ),
    "what comes after the end is heard": Mutant(
        "gateway/agents/pool.py",
        "            process.ignore(held.agent_session_id, turn)\n",
        "",
        f"{AGENTS}lines.py::test_what_comes_after_the_end_reaches_nobody",
    ),
    "what was stopped is taken up by a crash": Mutant(
        "gateway/store/turns.py",
        "    given_up = is_given_up(session.reason) and",
        "    given_up = False and",
        "tests/laws/test_engine_busy.py::test_what_was_given_up_is_not_taken_up_by_a_crash",
    ),
    "an error does not stop the lane": Mutant(
        "gateway/engine/lanes.py",
        " and after is not Next.HALT:",
        ":",
        f"{ENGINE}::test_an_error_stops_the_lane_and_keeps_the_queue",
    ),
    "a question outlives its gateway": Mutant(
        "gateway/store/boots.py",
        "    approvals.void_all(tx, now)\n",
        "",
        f"{STORE}approvals.py::test_law_03_a_boot_voids_what_dead_ones_asked",
    ),
    "law 7, what a dropped person has waiting is answered": Mutant(
        "gateway/engine/resume.py",
        "if access.open_to_all:",
        "if True:",
        f"{ACCESS}.py::test_law_07_what_somebody_has_waiting_whom_the_config_dropped_is_taken_back",
    ),
    "law 1, grants are not known when it is decided what is answered": Mutant(
        "gateway/engine/intake.py",
        "        await parts.access.load()\n        if parts.offer",
        "        if parts.offer",
        f"{ACCESS}.py::test_law_01_what_a_person_let_in_by_a_grant_has_waiting_is_answered_after_a_start",
    ),
    "a person who was cut off still gives commands": Mutant(
        "gateway/engine/commands.py",
        "if not await self._may(accepted):",
        "if False:",
        "tests/unit/test_commands_catalogue.py::test_a_command_whose_author_was_cut_off_meanwhile_does_nothing",
    ),
    "a person who was cut off still presses buttons": Mutant(
        "gateway/engine/buttons.py",
        "if not await self._may_press(accepted):",
        "if False:",
        f"{ACCESS}.py::test_a_press_that_was_accepted_before_its_author_was_revoked_does_nothing",
    ),
    "a redelivered event counts twice": Mutant(
        "gateway/rules/allowance.py",
        "if (account, event_id) in self._counted:",
        "if False:",
        f"{ACCESS}_intake.py::test_a_redelivered_event_counts_once",
    ),
    "anybody changes what somebody else wrote": Mutant(
        "gateway/store/inbox.py",
        "if amendment.author_id and origin_of(origin).author_id != amendment.author_id:",
        "if False:",
        f"{STORE}amendments.py::test_no_other_message_is_changed",
    ),
    "half a file is taken for one": Mutant(
        "gateway/store/media.py",
        'part = folder / f".{name}.part"\n        part.unlink(missing_ok=True)\n        return part',
        "part = folder / name\n        part.unlink(missing_ok=True)\n        return part",
        "tests/unit/test_media_folder.py::test_a_file_has_its_name_when_it_is_whole",
    ),
    "a hidden file is handed out": Mutant(
        "gateway/store/media.py",
        'part.startswith(".") for part in inside.parts',
        "False for part in inside.parts",
        "tests/unit/test_media_folder.py::test_nothing_else_is_handed_out",
    ),
    "a file that is owed is swept away": Mutant(
        "gateway/store/media.py",
        'if f"{folder}/{entry.name}" in in_use or not',
        "if not",
        "tests/unit/test_media_folder.py::test_old_files_go_unless_they_are_needed",
    ),
    "a sign of work is taken for words": Mutant(
        "gateway/store/streams.py",
        'shown = "" if delivery.body.startswith(WORKING) else delivery.body',
        "shown = delivery.body",
        "tests/unit/test_progress.py::test_left_open_without_any_word_it_says_only_that_it_was_cut_short",
    ),
}


@pytest.fixture(scope="session")
def server() -> Iterator[PytestServer]:
    """One for all copies: most of what a run of a few tests costs is what it imports."""
    server = PytestServer()
    yield server
    server.close()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project once more, to be broken: links, until something is to be changed."""
    for name in ("gateway", "adapters", "tests", "config"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def change(copy: Path, path: str, old: str, new: str) -> None:
    """Change one file of the copy. Its folders become real ones, in which all else is still linked."""
    *folders, name = Path(path).parts
    here = copy
    for folder in folders:
        here /= folder
        home = here.resolve()
        here.unlink()
        here.mkdir()
        for one in home.iterdir():
            (here / one.name).symlink_to(one)
    text = (here / name).read_text(encoding="utf-8")
    assert text.count(old) == 1, "the guard that this mutant removes stands somewhere else now"
    (here / name).unlink()
    (here / name).write_text(text.replace(old, new), encoding="utf-8")
    os.utime(here / name, (0, 0))  # so old that no compiled file in the linked cache can be taken for its own


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_killed(copy: Path, server: PytestServer, name: str):
    mutant = MUTANTS[name]
    change(copy, mutant.path, mutant.old, mutant.new)
    done = server.run(copy, mutant.test)
    assert done.code == 1, f"it lives, or ended with another error ({done.code}):\n{done.output}"
    assert " failed" in done.output


@pytest.mark.slow
def test_without_a_mutant_the_same_tests_pass(copy: Path, server: PytestServer):
    done = server.run(copy, *sorted({mutant.test for mutant in MUTANTS.values()}))
    assert done.code == 0, done.output
