"""Statements about what waits, what was asked, and which conversation is the present one, named."""

from gateway.store.rows import APPROVAL, SESSION

# ruff: noqa: S608  what is interpolated are column lists of this package, never a value

# What waits
TAKE_BACK = (
    "UPDATE messages SET state = 'withdrawn' "
    "WHERE id = ? AND session_id = ? AND state = 'waiting' AND kind = 'user'"
)

# What was asked
# Of the latest turn that people asked for anything: several messages where they were answered together.
LAST_REQUEST = (
    "SELECT id, text, origin, ref FROM messages WHERE kind = 'user' AND turn_id = "
    "(SELECT turn_id FROM messages WHERE session_id = ? AND kind = 'user' AND turn_id IS NOT NULL "
    "ORDER BY turn_id DESC LIMIT 1) ORDER BY id"
)
# In the turn that a session is marked for, and in those that it was itself going on with.
STEPS_IN_DOUBT = (
    "WITH RECURSIVE chain (id) AS (SELECT resume_turn_id FROM sessions WHERE id = ? UNION "
    "SELECT t.resumes_turn_id FROM turns t JOIN chain c ON t.id = c.id) "
    "SELECT 1 FROM steps s JOIN chain c ON s.turn_id = c.id "
    "WHERE s.kind = 'tool' AND s.status = 'interrupted' LIMIT 1"
)
# What is not gone on with unasked, and why: a reason of that sort is kept.
GIVE_UP = (
    "UPDATE sessions SET reason = 'stopped' WHERE id = ? AND state = 'resume_pending' "
    "AND reason NOT IN ('stopped', 'superseded', 'agent_failed')"
)
SUSPENDED_AT_WORK = (
    "SELECT id FROM sessions WHERE state = 'suspended' AND resume_turn_id IS NOT NULL AND NOT EXISTS "
    "(SELECT 1 FROM sessions l WHERE l.account = sessions.account AND l.chat = sessions.chat "
    "AND l.thread = sessions.thread AND l.person = sessions.person AND l.generation > sessions.generation)"
)

# Which conversation is the present one
NEWEST_AT = (
    "SELECT n.id, n.generation FROM sessions n JOIN sessions s ON n.account = s.account AND n.chat = s.chat "
    "AND n.thread = s.thread AND n.person = s.person WHERE s.id = ? ORDER BY n.generation DESC LIMIT 1"
)
# What was cut short in it stays known and is not gone on with by itself.
RENEW = (
    "UPDATE sessions SET generation = ?, "
    "state = CASE WHEN resume_turn_id IS NULL THEN 'active' ELSE 'resume_pending' END, "
    "reason = CASE WHEN resume_turn_id IS NULL THEN NULL "
    "WHEN reason IN ('stopped', 'superseded', 'agent_failed') THEN reason ELSE 'stopped' END, "
    "resume_attempts = 0, idle_at = NULL, updated_at = ? WHERE id = ?"
)
# What people wrote after the command that brings another conversation back was meant for that one.
WRITTEN_SINCE = (
    "UPDATE messages SET session_id = ? WHERE session_id = ? AND state = 'waiting' AND kind = 'user' "
    "AND id > (SELECT min(id) FROM messages WHERE session_id = ? AND state = 'waiting' AND kind = 'command' "
    "AND command = 'resume')"
)
GENERATIONS = (
    f"SELECT {SESSION} FROM sessions AS one WHERE (account, chat, thread, person) = "
    "(SELECT account, chat, thread, person FROM sessions WHERE id = ?) AND EXISTS (SELECT 1 FROM messages "
    "WHERE session_id = one.id AND kind = 'user' AND state <> 'withdrawn') ORDER BY generation DESC LIMIT ?"
)

# What is asked of people
PENDING_OF_SESSION = (
    f"SELECT {APPROVAL} FROM approvals WHERE state = 'pending' AND session_id = ? ORDER BY id"
)
