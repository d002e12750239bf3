"""Statements about ledgers that were restored from a backup, named as in `statements`."""

PUT_RESTORE = (
    "INSERT INTO restores (taken_at, restored_at, answer_since, suspended, held) VALUES (?, ?, ?, ?, ?)"
)
ANSWER_SINCE = "SELECT coalesce(max(answer_since), 0.0) FROM restores"

# What tells whether a ledger was used: boots leave signs of life, ids are counted, states move. Of the first
# schema, so that ledgers of any two versions can be compared.
LAST_BOOT = "SELECT id, seen_at, stopped_at FROM boots ORDER BY id DESC LIMIT 1"
SEQUENCES = (
    "SELECT name, seq FROM sqlite_sequence "
    "WHERE name IN ('boots', 'sessions', 'messages', 'turns', 'deliveries') ORDER BY name"
)
STATES = (
    "SELECT 'message', state, count(*) FROM messages GROUP BY state UNION ALL "
    "SELECT 'turn', state, count(*) FROM turns GROUP BY state UNION ALL "
    "SELECT 'delivery', state, count(*) FROM deliveries GROUP BY state UNION ALL "
    "SELECT 'session', state, count(*) FROM sessions GROUP BY state ORDER BY 1, 2"
)

# What is in a backup, in numbers
COUNTS = (
    "SELECT 'conversations', count(*) FROM sessions UNION ALL "
    "SELECT 'messages', count(*) FROM messages UNION ALL "
    "SELECT 'waiting', count(*) FROM messages WHERE state = 'waiting' AND kind = 'user' UNION ALL "
    "SELECT 'running', count(*) FROM turns WHERE state = 'running' UNION ALL "
    "SELECT 'interrupted', count(*) FROM sessions WHERE state = 'resume_pending' UNION ALL "
    "SELECT 'suspended', count(*) FROM sessions WHERE state = 'suspended' UNION ALL "
    "SELECT 'owed', count(*) FROM deliveries WHERE state IN ('pending', 'sending', 'unknown') UNION ALL "
    "SELECT 'held', count(*) FROM deliveries WHERE state = 'held'"
)
LAST_SIGN = "SELECT coalesce(max(seen_at), 0.0) FROM boots"
COUNT_GRANTS = "SELECT count(*) FROM grants"

# What was under way when a backup was taken, and went on since without this ledger knowing of it
SUSPEND_UNDER_WAY = (
    "UPDATE sessions SET state = 'suspended', reason = 'restored' WHERE state <> 'suspended' AND (EXISTS "
    "(SELECT 1 FROM messages m WHERE m.session_id = sessions.id AND m.state = 'waiting' "
    "AND m.kind IN ('user', 'internal')) OR EXISTS "
    "(SELECT 1 FROM turns t WHERE t.session_id = sessions.id AND t.state = 'running') OR "
    "(state = 'resume_pending' AND reason NOT IN ('stopped', 'superseded', 'agent_failed') AND NOT EXISTS "
    "(SELECT 1 FROM sessions l WHERE l.account = sessions.account AND l.chat = sessions.chat "
    "AND l.thread = sessions.thread AND l.person = sessions.person AND l.generation > sessions.generation))) "
    "RETURNING id, account, chat, thread, person"
)
WITHDRAW_ORDERS = (
    "UPDATE messages SET state = 'withdrawn' WHERE state = 'waiting' "
    "AND kind IN ('internal', 'command', 'button')"
)
DROP_QUESTIONS = (
    "UPDATE deliveries SET state = 'rejected', error = 'the question was void', settled_at = ? "
    "WHERE state IN ('pending', 'sending', 'unknown') AND id IN "
    "(SELECT delivery_id FROM approvals WHERE state = 'pending')"
)
VOID_QUESTIONS = "UPDATE approvals SET state = 'void', settled_at = ? WHERE state = 'pending'"
DROP_SIGNS = (
    "UPDATE deliveries SET state = 'rejected', doubtful = 1, error = ?, settled_at = ? "
    "WHERE state IN ('pending', 'sending', 'unknown') AND kind IN ('stream', 'receipt')"
)
# The answer that grew there ended since, in that very message: nothing may be written over it.
LEAVE_STREAMS = "UPDATE deliveries SET growing = 0 WHERE growing = 1"
HOLD_OWED = "UPDATE deliveries SET state = 'held', error = ? WHERE state IN ('pending', 'sending', 'unknown')"
FORGET_WHO_ASKED = "UPDATE boots SET asked_by = NULL WHERE asked_by IS NOT NULL"
VOID_CODES = "DELETE FROM pairings WHERE refused = 0"
# Ids that were given out since stand in buttons, in names of files and of working directories.
SKIP_IDS = "UPDATE sqlite_sequence SET seq = seq + ?"
BEGIN_COUNTING = (
    "INSERT INTO sqlite_sequence (name, seq) SELECT name, 0 FROM sqlite_master WHERE type = 'table' "
    "AND sql LIKE '%AUTOINCREMENT%' AND name NOT IN (SELECT name FROM sqlite_sequence)"
)
