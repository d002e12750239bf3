-- Times are seconds since the epoch. Ids of turns, messages and deliveries are never used twice.

CREATE TABLE boots (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  replica    TEXT NOT NULL,
  pid        INTEGER NOT NULL,
  state      TEXT NOT NULL,
  started_at REAL NOT NULL,
  seen_at    REAL NOT NULL,      -- the last sign of life
  lease_until REAL,
  intent     TEXT,               -- stop | restart
  asked_by   INTEGER,            -- the session whose /restart it was
  stopped_at REAL,               -- the clean-shutdown marker
  buried_at  REAL                -- when a later boot dealt with this one's remains
);
CREATE INDEX boots_open ON boots (id) WHERE stopped_at IS NULL AND buried_at IS NULL;

CREATE TABLE sessions (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  account          TEXT NOT NULL,
  chat             TEXT NOT NULL,
  thread           TEXT NOT NULL,
  person           TEXT NOT NULL,     -- empty unless the scope is per user
  generation       INTEGER NOT NULL,
  state            TEXT NOT NULL,
  reason           TEXT,
  resume_turn_id   INTEGER,
  resume_marked_at REAL,
  resume_attempts  INTEGER NOT NULL DEFAULT 0,
  agent            TEXT,
  agent_session_id TEXT,
  cwd              TEXT,
  last_mode        TEXT,
  origin           TEXT,              -- JSON: how to answer
  title            TEXT NOT NULL DEFAULT '',
  owner            TEXT,
  fence            INTEGER NOT NULL DEFAULT 0,
  idle_at          REAL,              -- when it is replaced by a new one, unless it is used before
  created_at       REAL NOT NULL,
  updated_at       REAL NOT NULL,
  UNIQUE (account, chat, thread, person, generation)
);
CREATE INDEX sessions_pending ON sessions (id) WHERE state = 'resume_pending';

CREATE INDEX sessions_idle ON sessions (idle_at) WHERE idle_at IS NOT NULL;

CREATE TABLE messages (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  account     TEXT NOT NULL,
  event_id    TEXT NOT NULL,
  session_id  INTEGER NOT NULL REFERENCES sessions (id),
  kind        TEXT NOT NULL,
  state       TEXT NOT NULL,
  command     TEXT NOT NULL DEFAULT '',
  text        TEXT NOT NULL,
  origin      TEXT NOT NULL,          -- JSON: author, and how to answer
  received_at REAL NOT NULL,
  turn_id     INTEGER,
  UNIQUE (account, event_id)
);
CREATE INDEX messages_waiting ON messages (session_id, id) WHERE state = 'waiting';
CREATE INDEX messages_by_session ON messages (session_id, id);
CREATE INDEX messages_by_turn ON messages (turn_id) WHERE turn_id IS NOT NULL;

CREATE TABLE turns (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id      INTEGER NOT NULL REFERENCES sessions (id),
  boot_id         INTEGER NOT NULL REFERENCES boots (id),
  state           TEXT NOT NULL,
  reason          TEXT,
  started_at      REAL NOT NULL,
  ended_at        REAL,
  resume_mode     TEXT,
  mode_reason     TEXT,
  stop_reason     TEXT,
  text            TEXT NOT NULL DEFAULT '',
  resumes_turn_id INTEGER
);
CREATE INDEX turns_running ON turns (boot_id) WHERE state = 'running';
-- One prompt in flight per session, whatever the code above believes.
CREATE UNIQUE INDEX turns_one_running ON turns (session_id) WHERE state = 'running';
CREATE INDEX turns_by_session ON turns (session_id, id);

CREATE TABLE steps (
  turn_id      INTEGER NOT NULL REFERENCES turns (id),
  seq          INTEGER NOT NULL,
  kind         TEXT NOT NULL,
  status       TEXT NOT NULL,
  title        TEXT NOT NULL,
  tool_call_id TEXT NOT NULL,
  tool_kind    TEXT NOT NULL,
  text         TEXT NOT NULL,
  PRIMARY KEY (turn_id, seq)
);

CREATE TABLE deliveries (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  account     TEXT NOT NULL,
  chat        TEXT NOT NULL,
  thread      TEXT NOT NULL,
  session_id  INTEGER REFERENCES sessions (id),
  turn_id     INTEGER REFERENCES turns (id),
  kind        TEXT NOT NULL,
  body        TEXT NOT NULL,
  reply_to    TEXT NOT NULL DEFAULT '',
  buttons     TEXT NOT NULL DEFAULT '',   -- JSON: label and data of each
  state       TEXT NOT NULL,
  attempt     INTEGER NOT NULL DEFAULT 0,
  doubtful    INTEGER NOT NULL DEFAULT 0,
  key         TEXT NOT NULL UNIQUE,
  platform_message_id TEXT,
  error       TEXT,
  created_at  REAL NOT NULL,
  settled_at  REAL
);
CREATE INDEX deliveries_owed ON deliveries (account, id) WHERE state IN ('pending', 'sending', 'unknown');
CREATE INDEX deliveries_troubled ON deliveries (id)
  WHERE state IN ('pending', 'sending', 'unknown', 'held', 'rejected');
CREATE INDEX deliveries_by_turn ON deliveries (turn_id) WHERE turn_id IS NOT NULL;

CREATE TABLE cursors (
  account TEXT NOT NULL,
  scope   TEXT NOT NULL,
  value   TEXT NOT NULL,
  PRIMARY KEY (account, scope)
);
