"""Every statement of the ledger, named. Both databases take all of them but for the sign of a parameter."""

from gateway.store.rows import APPROVAL, ATTACHMENT, BOOT, DELIVERY, MESSAGE, SESSION, STEP, TROUBLE, TURN

# ruff: noqa: S608  what is interpolated are column lists of this package, never a value

# Boots
OPEN_BOOTS = "SELECT id FROM boots WHERE stopped_at IS NULL AND buried_at IS NULL ORDER BY id"
CRASHES = (
    "SELECT started_at FROM boots WHERE stopped_at IS NULL AND buried_at IS NOT NULL ORDER BY id DESC LIMIT ?"
)
BURY_BOOT = "UPDATE boots SET buried_at = ? WHERE id = ?"
INSERT_BOOT = (
    "INSERT INTO boots (replica, pid, state, started_at, seen_at) VALUES (?, ?, ?, ?, ?) RETURNING id"
)
BEAT = "UPDATE boots SET seen_at = ? WHERE id = ?"
BOOT_STATE = "SELECT state FROM boots WHERE id = ?"
SET_BOOT_STATE = "UPDATE boots SET state = ?, intent = ?, asked_by = ? WHERE id = ?"
RESTART_ASKED_BY = (
    "SELECT id, asked_by FROM (SELECT id, asked_by FROM boots ORDER BY id DESC LIMIT 1) AS latest "
    "WHERE asked_by IS NOT NULL"
)
STOP_BOOT = (
    "UPDATE boots SET state = 'stopped', stopped_at = ?, seen_at = ?, intent = coalesce(?, intent) "
    "WHERE id = ?"
)
LATEST_BOOTS = f"SELECT {BOOT} FROM boots ORDER BY id DESC LIMIT ?"

# Sessions
SESSION_BY_ID = f"SELECT {SESSION} FROM sessions WHERE id = ?"
SESSION_AT = (
    "SELECT id, state FROM sessions WHERE account = ? AND chat = ? AND thread = ? AND person = ? "
    "ORDER BY generation DESC LIMIT 1"
)
SESSION_ROUTE = "SELECT account, chat, thread FROM sessions WHERE id = ?"
SESSION_STATE = "SELECT state FROM sessions WHERE id = ?"
SESSION_MARK = "SELECT state, resume_turn_id FROM sessions WHERE id = ?"
INSERT_SESSION = (
    "INSERT INTO sessions (account, chat, thread, person, generation, state, created_at, updated_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
)
MARK_SESSION = (
    "UPDATE sessions SET state = 'resume_pending', reason = ?, resume_turn_id = ?, resume_marked_at = ? "
    "WHERE id = ?"
)
MARK_SUSPENDED = "UPDATE sessions SET resume_turn_id = ?, resume_marked_at = ? WHERE id = ?"
CLEAR_MARK = (
    "UPDATE sessions SET state = CASE state WHEN 'suspended' THEN state ELSE 'active' END, "
    "reason = CASE state WHEN 'suspended' THEN reason END, "
    "resume_turn_id = NULL, resume_marked_at = NULL, resume_attempts = 0, updated_at = ? WHERE id = ?"
)
ACTIVATE_SESSION = (
    "UPDATE sessions SET state = 'active', reason = NULL, resume_turn_id = NULL, resume_marked_at = NULL, "
    "resume_attempts = 0, updated_at = ? WHERE id = ?"
)
DISMISS_MARK = (
    "UPDATE sessions SET state = 'active', reason = NULL, resume_turn_id = NULL, resume_marked_at = NULL, "
    "resume_attempts = 0, updated_at = ? WHERE id = ? AND state = 'resume_pending' AND resume_turn_id = ?"
)
STOP_SESSION = "UPDATE sessions SET reason = 'stopped' WHERE id = ? AND state = 'resume_pending'"
SUSPEND_SESSION = "UPDATE sessions SET state = 'suspended', reason = ?, updated_at = ? WHERE id = ?"
BEGIN_ON_SESSION = (
    "UPDATE sessions SET origin = ?, title = CASE WHEN title = '' THEN ? ELSE title END, "
    "resume_attempts = resume_attempts + ?, idle_at = NULL, updated_at = ? WHERE id = ?"
)
SET_AGENT_SESSION = "UPDATE sessions SET agent = ?, agent_session_id = ?, cwd = ?, last_mode = ? WHERE id = ?"
CHOOSE = "UPDATE sessions SET chosen_agent = ?, chosen_mode = ?, chosen_options = ? WHERE id = ?"
REACTIVATE_SESSION = (
    "UPDATE sessions SET state = 'resume_pending', reason = 'manual', resume_attempts = 0, "
    "resume_marked_at = ?, updated_at = ? WHERE id = ?"
)
RECENT_SESSIONS = (
    f"SELECT {SESSION} FROM sessions WHERE id IN "
    "(SELECT session_id FROM (SELECT session_id, max(id) AS latest FROM "
    "(SELECT id, session_id FROM messages ORDER BY id DESC LIMIT 10000) AS late "
    "GROUP BY session_id ORDER BY latest DESC LIMIT ?) AS used) ORDER BY updated_at DESC"
)

# Messages
KNOWN_EVENT = "SELECT id, session_id FROM messages WHERE account = ? AND event_id = ?"
SPENT_EVENT = "SELECT 1 FROM messages WHERE account = ? AND event_id = ? AND state <> 'waiting'"
REFUSED_EVENT = "SELECT 1 FROM refused_events WHERE account = ? AND event_id = ?"
PUT_REFUSED_EVENT = (
    "INSERT INTO refused_events (account, event_id, at) VALUES (?, ?, ?) "
    "ON CONFLICT (account, event_id) DO NOTHING"
)
FORGET_REFUSED_EVENTS = "DELETE FROM refused_events WHERE at < ?"
INSERT_MESSAGE = (
    "INSERT INTO messages (account, event_id, session_id, kind, state, command, text, origin, received_at, "
    "ref) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
)
INSERT_RESUME_EVENT = (
    "INSERT INTO messages (account, event_id, session_id, kind, state, text, origin, received_at) "
    "VALUES (?, ?, ?, 'internal', ?, '', ?, ?) ON CONFLICT (account, event_id) DO NOTHING"
)
WAITING_COMMANDS = (
    "SELECT id, session_id, kind, command, text FROM messages "
    "WHERE state = 'waiting' AND kind IN ('command', 'button') AND account = ? ORDER BY id"
)
COUNT_WAITING = "SELECT count(*) FROM messages WHERE session_id = ? AND state = 'waiting' AND kind = 'user'"
FINISH_COMMAND = "UPDATE messages SET state = 'done' WHERE id = ? AND state = 'waiting'"
NEXT_WAITING = (
    f"SELECT {MESSAGE} FROM messages WHERE session_id = ? AND state = 'waiting' "
    "AND kind IN ('user', 'internal') ORDER BY kind = 'internal', id LIMIT 1"
)
WAITING_FROM_PEOPLE = (
    f"SELECT {MESSAGE} FROM messages WHERE session_id = ? AND state = 'waiting' AND kind = 'user' ORDER BY id"
)
RESUME_WAITS = "SELECT 1 FROM messages WHERE session_id = ? AND state = 'waiting' AND kind = 'internal'"
MORE_WAITING = (
    "SELECT EXISTS (SELECT 1 FROM messages WHERE session_id = ? AND state = 'waiting' "
    "AND kind IN ('user', 'internal'))"
)
WITHDRAW_RESUMES = (
    "UPDATE messages SET state = 'withdrawn' WHERE session_id = ? AND state = 'waiting' AND kind = 'internal'"
)
WITHDRAW_WAITING = (
    "UPDATE messages SET state = 'withdrawn' WHERE session_id = ? AND state = 'waiting' "
    "AND kind IN ('user', 'internal')"
)
TAKE_MESSAGE = "UPDATE messages SET state = 'taken', turn_id = ? WHERE id = ? AND state = 'waiting'"
MESSAGE_ORIGIN = "SELECT origin FROM messages WHERE id = ?"
MESSAGES_OF = f"SELECT {MESSAGE} FROM messages WHERE session_id = ? ORDER BY id"
REQUEST_OF = "SELECT id, text, origin FROM messages WHERE turn_id = ? ORDER BY id"

# A message that waits, as its author sees it: no receipt, and no press of a button, has a place there.
WAITING_AT = (
    "SELECT id, origin FROM messages WHERE account = ? AND ref = ? AND state = 'waiting' AND kind = 'user'"
)
CHANGE_TEXT = "UPDATE messages SET text = ? WHERE id = ?"
WITHDRAW_MESSAGE = "UPDATE messages SET state = 'withdrawn' WHERE id = ? AND state = 'waiting'"

# Files that people sent
INSERT_ATTACHMENT = (
    "INSERT INTO attachments (message_id, account, ref, given_name, mime, size, kind, name, state) "
    f"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING {ATTACHMENT}"
)
ATTACHMENTS_OF = f"SELECT {ATTACHMENT} FROM attachments WHERE message_id = ? ORDER BY id"
SETTLE_ATTACHMENT = "UPDATE attachments SET state = ?, error = ? WHERE id = ?"
FILES_AWAITED = (
    "SELECT a.id, a.name FROM attachments a JOIN messages m ON m.id = a.message_id WHERE m.state = 'waiting' "
    "UNION SELECT a.id, a.name FROM attachments a JOIN messages m ON m.id = a.message_id "
    "JOIN turns t ON t.id = m.turn_id WHERE t.state = 'running' "
    "UNION SELECT a.id, a.name FROM attachments a JOIN messages m ON m.id = a.message_id "
    "JOIN sessions s ON s.resume_turn_id = m.turn_id WHERE s.state <> 'active'"
)
FILES_OWED = (
    "SELECT file FROM deliveries WHERE state IN ('pending', 'sending', 'unknown', 'held', 'rejected') "
    "AND file <> ''"
)

# Turns and steps
RUNNING_TURNS = (
    "SELECT t.id, t.session_id, t.started_at, b.seen_at FROM turns t JOIN boots b ON b.id = t.boot_id "
    "WHERE t.state = 'running' ORDER BY t.id"
)
RUNNING_IN = "SELECT 1 FROM turns WHERE session_id = ? AND state = 'running'"
INSERT_TURN = (
    "INSERT INTO turns (session_id, boot_id, state, started_at, resumes_turn_id) "
    "VALUES (?, ?, 'running', ?, ?) RETURNING id"
)
TURN_STATE = "SELECT state, session_id FROM turns WHERE id = ?"
TURN_FOR_NOTE = "SELECT text, resumes_turn_id FROM turns WHERE id = ?"
INTERRUPT_TURN = "UPDATE turns SET state = 'interrupted', reason = ?, ended_at = ? WHERE id = ?"
END_TURN = (
    "UPDATE turns SET state = ?, reason = ?, stop_reason = ?, text = ?, ended_at = ?, "
    "resume_mode = coalesce(resume_mode, ?), usage = ? WHERE id = ?"
)
TURN_MODE = "SELECT resume_mode FROM turns WHERE id = ?"
SET_TURN_MODE = "UPDATE turns SET resume_mode = ?, mode_reason = ? WHERE id = ?"
HAS_COMPLETED = (
    "SELECT count(*) FROM "
    "(SELECT 1 FROM turns WHERE session_id = ? AND state = 'completed' ORDER BY id DESC LIMIT 1) AS one"
)
TURNS_OF = f"SELECT {TURN} FROM turns WHERE session_id = ? ORDER BY id"
TURNS_BEFORE = f"SELECT {TURN} FROM turns WHERE session_id = ? AND id < ? ORDER BY id DESC LIMIT ?"
PUT_STEP = (
    f"INSERT INTO steps (turn_id, {STEP}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (turn_id, seq) DO UPDATE SET kind = excluded.kind, status = excluded.status, "
    "title = excluded.title, tool_call_id = excluded.tool_call_id, tool_kind = excluded.tool_kind, "
    "text = excluded.text"
)
OPEN_STEP_KINDS = (
    "SELECT DISTINCT tool_kind FROM steps WHERE turn_id = ? AND status IN ('interrupted', 'running')"
)
STEPS_OF = f"SELECT {STEP} FROM steps WHERE turn_id = ? ORDER BY seq"
CLOSE_STEPS = "UPDATE steps SET status = ? WHERE turn_id = ? AND status = 'running'"
INTERRUPT_STEPS = "UPDATE steps SET status = 'interrupted' WHERE turn_id = ? AND status = 'running'"

# Deliveries
INSERT_DELIVERY = (
    "INSERT INTO deliveries (account, chat, thread, session_id, turn_id, kind, body, reply_to, buttons, "
    "state, key, created_at, file) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (key) DO NOTHING "
    f"RETURNING {DELIVERY}"
)
OWED = f"SELECT {DELIVERY} FROM deliveries WHERE account = ? AND state IN ('pending', 'unknown') ORDER BY id"
DELIVERY_STATE = "SELECT state FROM deliveries WHERE id = ?"
CLAIM = (
    "UPDATE deliveries SET state = 'sending', attempt = attempt + 1, claimed_at = coalesce(claimed_at, ?) "
    "WHERE id = ?"
)
RETRY = "UPDATE deliveries SET state = 'pending' WHERE id = ?"
# Of the latest that were sent before a delivery: one chat's last message is hardly ever far from the end.
LAST_SENT = (
    "SELECT platform_message_id FROM (SELECT * FROM deliveries WHERE id < ? ORDER BY id DESC LIMIT 20000) "
    "AS latest WHERE account = ? AND chat = ? AND thread = ? AND state = 'sent' AND edits IS NULL "
    "AND kind <> 'receipt' AND settled_at <= ? ORDER BY settled_at DESC LIMIT 1"
)
REVIVE = (
    "UPDATE deliveries SET state = 'pending', error = NULL, settled_at = NULL "
    "WHERE id = ? AND state IN ('held', 'rejected') AND kind NOT IN ('stream', 'receipt') "
    f"RETURNING {DELIVERY}"
)
DROP = (
    "UPDATE deliveries SET state = 'rejected', error = ?, settled_at = ? "
    f"WHERE id = ? AND (state IN ('pending', 'unknown', 'held') OR (state = 'rejected' AND {TROUBLE}))"
)
DELIVERY_BY_ID = f"SELECT {DELIVERY} FROM deliveries WHERE id = ?"
TROUBLED = f"SELECT {DELIVERY} FROM deliveries WHERE {TROUBLE} ORDER BY id DESC LIMIT ?"
SETTLE_SENT = (
    "UPDATE deliveries SET state = 'sent', platform_message_id = ?, error = NULL, settled_at = ? WHERE id = ?"
)
SETTLE_REJECTED = "UPDATE deliveries SET state = 'rejected', error = ?, settled_at = ? WHERE id = ?"
SETTLE_STATE = "UPDATE deliveries SET state = ?, error = ? WHERE id = ?"
RETRY_DOUBTFUL = "UPDATE deliveries SET state = 'pending', doubtful = 1 WHERE id = ?"
# Streams
_STREAM = (
    "SELECT d.id, coalesce(s.resume_turn_id, d.turn_id), "
    "NOT EXISTS (SELECT 1 FROM messages m WHERE m.session_id = d.session_id AND m.kind <> 'internal' "
    "AND m.received_at > d.created_at) AND NOT EXISTS (SELECT 1 FROM deliveries l WHERE l.id > d.id "
    "AND l.account = d.account AND l.chat = d.chat AND l.thread = d.thread AND l.edits IS NULL "
    "AND l.state <> 'rejected' AND l.kind <> 'receipt') "
    "FROM deliveries d JOIN sessions s ON s.id = d.session_id "
)
GROWING = f"{_STREAM} WHERE d.growing = 1 AND d.session_id = ? ORDER BY d.id"
STRAY_STREAMS = (
    f"{_STREAM} WHERE d.growing = 1 AND d.account = ? AND (s.state <> 'resume_pending' OR NOT EXISTS "
    "(SELECT 1 FROM messages w WHERE w.session_id = d.session_id AND w.state = 'waiting' "
    "AND w.kind IN ('user', 'internal'))) AND NOT EXISTS "
    "(SELECT 1 FROM turns t WHERE t.session_id = d.session_id AND t.state = 'running') ORDER BY d.id"
)
IS_GROWING = "SELECT growing FROM deliveries WHERE id = ?"
SET_GROWING = "UPDATE deliveries SET growing = ? WHERE id = ?"
SET_EDITS = "UPDATE deliveries SET edits = ? WHERE id = ?"
# An opening that may have arrived, of a turn that this one goes on with: nobody can find or change it.
IN_DOUBT = (
    "WITH RECURSIVE chain (id) AS (SELECT resumes_turn_id FROM turns WHERE id = ? UNION "
    "SELECT t.resumes_turn_id FROM turns t JOIN chain c ON t.id = c.id) "
    "SELECT 1 FROM deliveries d JOIN chain c ON d.turn_id = c.id "
    "WHERE d.kind = 'stream' AND d.state = 'rejected' AND d.doubtful = 1 LIMIT 1"
)
SET_DOUBTFUL = "UPDATE deliveries SET doubtful = 1 WHERE id = ?"
SAID_IN = "SELECT text FROM steps WHERE turn_id = ? AND kind = 'text' ORDER BY seq"
# What never left is not worth sending any more: the turn that it belongs to is dead.
DROP_UNSENT_STREAMS = (
    "UPDATE deliveries SET state = 'rejected', growing = 0, settled_at = ?, "
    "error = 'the gateway stopped before it was sent' WHERE growing = 1 AND state = 'pending'"
)
DETACH = (
    f"UPDATE deliveries SET state = 'pending', edits = NULL, doubtful = ? WHERE id = ? RETURNING {DELIVERY}"
)
ABANDON = (
    "UPDATE deliveries SET state = 'rejected', doubtful = 1, error = 'it may have arrived', settled_at = ? "
    "WHERE id = ?"
)

SENDING_TO_UNKNOWN = (
    "UPDATE deliveries SET state = 'unknown', error = 'the gateway stopped while it was being sent' "
    "WHERE state = 'sending'"
)

# Approvals
INSERT_APPROVAL = (
    "INSERT INTO approvals (session_id, turn_id, request, state, created_at) VALUES (?, ?, ?, ?, ?) "
    "RETURNING id"
)
SET_QUESTION = f"UPDATE approvals SET delivery_id = ? WHERE id = ? RETURNING {APPROVAL}"
APPROVAL_BY_ID = f"SELECT {APPROVAL} FROM approvals WHERE id = ?"
PENDING_APPROVALS = f"SELECT {APPROVAL} FROM approvals WHERE state = 'pending' ORDER BY id"
PENDING_OF_TURN = f"SELECT {APPROVAL} FROM approvals WHERE state = 'pending' AND turn_id = ? ORDER BY id"
SETTLE_APPROVAL = (
    "UPDATE approvals SET state = ?, option_id = ?, decided_by = ?, settled_at = ? WHERE id = ? "
    f"RETURNING {APPROVAL}"
)
REMEMBER = (
    "INSERT INTO remembered (session_id, tool_kind, title, verdict, decided_by, decided_at) "
    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (session_id, tool_kind, title) DO UPDATE SET "
    "verdict = excluded.verdict, decided_by = excluded.decided_by, decided_at = excluded.decided_at"
)
REMEMBERED = "SELECT verdict FROM remembered WHERE session_id = ? AND tool_kind = ? AND title = ?"

# Recovery
# A conversation that was left for a new one is nobody's any more, even if a crash came in between.
PENDING_SESSIONS = (
    f"SELECT {SESSION} FROM sessions WHERE state = 'resume_pending' AND NOT EXISTS (SELECT 1 FROM sessions l "
    "WHERE l.account = sessions.account AND l.chat = sessions.chat AND l.thread = sessions.thread "
    "AND l.person = sessions.person AND l.generation > sessions.generation)"
)
WAITING_BY_SESSION = (
    "SELECT session_id, count(*) FILTER (WHERE kind = 'user'), "
    "count(*) FILTER (WHERE kind = 'internal') FROM messages "
    "WHERE state = 'waiting' AND kind IN ('user', 'internal') GROUP BY session_id"
)

# Upkeep
SET_IDLE = "UPDATE sessions SET idle_at = ? WHERE id = ?"
IDLE_SESSIONS = (
    "SELECT id FROM sessions WHERE idle_at <= ? AND state = 'active' AND NOT EXISTS "
    "(SELECT 1 FROM messages WHERE session_id = sessions.id AND state = 'waiting') ORDER BY idle_at LIMIT ?"
)
STALE_RESUMES = (
    "UPDATE messages SET state = 'withdrawn' WHERE state = 'waiting' AND kind = 'internal' AND session_id IN "
    "(SELECT id FROM sessions WHERE state = 'resume_pending' AND reason <> 'manual' AND resume_marked_at < ?)"
)
OLD_SESSIONS = (
    "SELECT id FROM sessions AS old WHERE updated_at < ? AND state = 'active' AND id > ? AND id <= ? "
    "AND NOT EXISTS (SELECT 1 FROM messages WHERE session_id = old.id AND state = 'waiting') "
    "AND NOT EXISTS (SELECT 1 FROM deliveries WHERE session_id = old.id AND state IN "
    "('pending', 'sending', 'unknown', 'held')) "
    "AND NOT EXISTS (SELECT 1 FROM turns WHERE session_id = old.id AND state = 'running') "
    # An event id is kept as long as it may be delivered again, and an old conversation as long as a newer one
    # stands before it: else it would come back with the next message.
    "AND NOT EXISTS (SELECT 1 FROM messages WHERE session_id = old.id AND received_at >= ?) "
    "AND NOT EXISTS (SELECT 1 FROM sessions AS earlier WHERE earlier.account = old.account "
    "AND earlier.chat = old.chat AND earlier.thread = old.thread AND earlier.person = old.person "
    "AND earlier.generation < old.generation)"
)
NEXT_SESSION = "SELECT min(id) FROM sessions WHERE id > ?"
FORGET_SESSION = (
    "DELETE FROM attachments WHERE message_id IN (SELECT id FROM messages WHERE session_id = ?)",
    "DELETE FROM approvals WHERE session_id = ?",
    "DELETE FROM remembered WHERE session_id = ?",
    "DELETE FROM steps WHERE turn_id IN (SELECT id FROM turns WHERE session_id = ?)",
    "DELETE FROM deliveries WHERE session_id = ?",
    "DELETE FROM turns WHERE session_id = ?",
    "DELETE FROM messages WHERE session_id = ?",
    "DELETE FROM sessions WHERE id = ?",
)

# Cursors
# The account's own cursor is always among them; of those of chats, the ones that moved last.
CURSORS = (
    "SELECT scope, value FROM cursors WHERE account = ? "
    "ORDER BY scope = '' DESC, moved_at DESC, scope DESC LIMIT ?"
)
SET_CURSOR = (
    "INSERT INTO cursors (account, scope, value, moved_at) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (account, scope) DO UPDATE SET value = excluded.value, moved_at = excluded.moved_at"
)
