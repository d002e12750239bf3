"""Statements about people who were let in and who ask for it, named as in `statements`."""

from gateway.store.rows import DELIVERY

# Grants
GRANTS = "SELECT account, person, name, role, granted_by, granted_at FROM grants ORDER BY account, person"
IS_GRANTED = "SELECT 1 FROM grants WHERE account = ? AND person = ?"
PUT_GRANT = (
    "INSERT INTO grants (account, person, name, role, granted_by, granted_at) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (account, person) DO UPDATE SET name = excluded.name, role = excluded.role, "
    "granted_by = excluded.granted_by, granted_at = excluded.granted_at"
)
REVOKE = "DELETE FROM grants WHERE account = ? AND person = ?"

# Codes
_PAIRING = "code, account, person, name, chat, thread, created_at, expires_at"
PAIRINGS = (
    f"SELECT {_PAIRING} FROM pairings WHERE refused = 0 AND expires_at > ? "  # noqa: S608  a list of columns
    "ORDER BY created_at, code"
)
HAS_PAIRING = "SELECT 1 FROM pairings WHERE account = ? AND person = ?"
IS_CODE = "SELECT 1 FROM pairings WHERE code = ?"
COUNT_PAIRINGS = "SELECT count(*) FROM pairings WHERE account = ? AND refused = 0"
PUT_PAIRING = f"INSERT INTO pairings ({_PAIRING}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
USE_PAIRING = (
    "DELETE FROM pairings WHERE account = ? AND person = ? AND refused = 0 RETURNING code, chat, thread"
)
FORGET_PAIRING = "DELETE FROM pairings WHERE account = ? AND person = ?"
FORGET_PAIRINGS = "DELETE FROM pairings WHERE expires_at <= ?"
REFUSE_PAIRING = (
    "UPDATE pairings SET refused = 1, expires_at = created_at + ? "
    "WHERE account = ? AND person = ? AND refused = 0 RETURNING code, name"
)
# Somebody who was cut off: a code that is refused already, and that nobody was ever given.
PUT_REFUSED = (
    f"INSERT INTO pairings ({_PAIRING}, refused) VALUES (?, ?, ?, '', '', '', ?, ?, 1) "  # noqa: S608
    "ON CONFLICT (account, person) DO UPDATE SET code = excluded.code, name = excluded.name, "
    "chat = excluded.chat, thread = excluded.thread, created_at = excluded.created_at, "
    "expires_at = excluded.expires_at, refused = excluded.refused"
)
# The notices that tell administrators of a code, by the beginning of their keys: an index has these in order.
ASKING = f"SELECT {DELIVERY} FROM deliveries WHERE key >= ? AND key < ? ORDER BY id"  # noqa: S608

# What somebody has waiting. Authors are inside of origins, so the few that wait are looked through.
WAITING_ORIGINS = (
    "SELECT id, session_id, origin FROM messages WHERE state = 'waiting' AND account = ? ORDER BY id"
)
"""Of every kind: a resume event is its author's, too."""
