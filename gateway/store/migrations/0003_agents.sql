-- Permissions that agents ask for. The ids are never used twice: old buttons name them.
CREATE TABLE approvals (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id  INTEGER NOT NULL REFERENCES sessions (id),
  turn_id     INTEGER NOT NULL,
  request     TEXT NOT NULL,              -- JSON: the tool call, and the options
  state       TEXT NOT NULL,
  delivery_id INTEGER,                    -- the message that asks
  option_id   TEXT NOT NULL DEFAULT '',
  decided_by  TEXT NOT NULL DEFAULT '',   -- the account's id of a person
  created_at  REAL NOT NULL,
  settled_at  REAL
);
CREATE INDEX approvals_pending ON approvals (turn_id) WHERE state = 'pending';
CREATE INDEX approvals_by_session ON approvals (session_id);

-- What a person decided for all later steps just like one, in one conversation.
CREATE TABLE remembered (
  session_id INTEGER NOT NULL REFERENCES sessions (id),
  tool_kind  TEXT NOT NULL,
  title      TEXT NOT NULL,
  verdict    TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  decided_at REAL NOT NULL,
  PRIMARY KEY (session_id, tool_kind, title)
) WITHOUT ROWID;

-- What a person chose for a conversation; nothing means as the config says.
ALTER TABLE sessions ADD COLUMN chosen_agent TEXT;
ALTER TABLE sessions ADD COLUMN chosen_mode TEXT;
ALTER TABLE sessions ADD COLUMN chosen_options TEXT;   -- JSON: id and value of each
