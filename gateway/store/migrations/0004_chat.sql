-- The platform's chat and id of a message, to find one that waits when its author changes it or takes it back.
ALTER TABLE messages ADD COLUMN ref TEXT NOT NULL DEFAULT '';
CREATE INDEX messages_by_ref ON messages (account, ref) WHERE state = 'waiting';

-- Files that people sent. The ids are never used twice: files on the disk are named by them.
CREATE TABLE attachments (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id INTEGER NOT NULL REFERENCES messages (id),
  account    TEXT NOT NULL,
  ref        TEXT NOT NULL,             -- what the adapter needs to fetch it
  given_name TEXT NOT NULL,             -- as its sender called it
  name       TEXT NOT NULL,             -- the same, safe as the name of a file
  mime       TEXT NOT NULL,
  size       INTEGER,
  kind       TEXT NOT NULL,
  state      TEXT NOT NULL,
  error      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX attachments_by_message ON attachments (message_id);

-- A file that is owed to a chat. JSON: path below media, name, type, size in bytes
ALTER TABLE deliveries ADD COLUMN file TEXT NOT NULL DEFAULT '';

-- What the agent says that a turn has cost. JSON
ALTER TABLE turns ADD COLUMN usage TEXT;

-- People who were let in by a person and not by the config.
CREATE TABLE grants (
  account    TEXT NOT NULL,
  person     TEXT NOT NULL,
  name       TEXT NOT NULL,
  role       TEXT NOT NULL,
  granted_by TEXT NOT NULL,
  granted_at REAL NOT NULL,
  PRIMARY KEY (account, person)
) WITHOUT ROWID;

-- Codes by which strangers ask to be let in. One for each person at a time.
CREATE TABLE pairings (
  account    TEXT NOT NULL,
  person     TEXT NOT NULL,
  code       TEXT NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  chat       TEXT NOT NULL,
  thread     TEXT NOT NULL,
  created_at REAL NOT NULL,
  expires_at REAL NOT NULL,
  refused    INTEGER NOT NULL DEFAULT 0,  -- a person said no; until it expires there is no other
  PRIMARY KEY (account, person)
) WITHOUT ROWID;
