BEGIN TRANSACTION;
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
INSERT INTO "approvals" VALUES(1,2,2,'[["c2", "oven", "execute"], [["yes", "Allow", "allow_once"], ["no", "Refuse", "reject_once"]]]','pending',8,'','',1230.0,NULL);
INSERT INTO "approvals" VALUES(2,1,1,'[["c0", "look", "read"], [["yes", "Always", "allow_always"]]]','allowed',NULL,'yes','1001',1010.0,1011.0);
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
INSERT INTO "attachments" VALUES(1,1,'telegram','f1','plum.png','plum.png','image/png',10,'image','stored','');
INSERT INTO "attachments" VALUES(2,6,'telegram','f2','pear.png','pear.png','image/png',NULL,'image','waiting','');
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
INSERT INTO "boots" VALUES(1,'host',41,'stopped',1000.0,1100.0,NULL,'stop',NULL,1100.0,NULL);
INSERT INTO "boots" VALUES(2,'host',42,'serving',1200.0,1300.0,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE cursors (
  account TEXT NOT NULL,
  scope   TEXT NOT NULL,
  value   TEXT NOT NULL, moved_at REAL NOT NULL DEFAULT 0,
  PRIMARY KEY (account, scope)
);
INSERT INTO "cursors" VALUES('telegram','','509',0.0);
INSERT INTO "cursors" VALUES('discord','','1000',1250.0);
INSERT INTO "cursors" VALUES('discord','dm:77','2000',1250.0);
INSERT INTO "cursors" VALUES('slack','first','1000.000000',0.0);
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
, claimed_at REAL, edits INTEGER, growing INTEGER NOT NULL DEFAULT 0, file TEXT NOT NULL DEFAULT '');
INSERT INTO "deliveries" VALUES(1,'telegram','1001','',1,1,'reply','You said: plums','7','','sent',1,0,'k1','900',NULL,1011.0,1012.0,NULL,NULL,0,'');
INSERT INTO "deliveries" VALUES(2,'telegram','1001','',1,NULL,'notice','what was owed','','','pending',0,0,'k2',NULL,NULL,1299.0,NULL,NULL,NULL,0,'');
INSERT INTO "deliveries" VALUES(3,'telegram','1003','',3,3,'reply','may be there','','','sending',1,0,'k3',NULL,NULL,1289.0,NULL,1289.0,NULL,0,'');
INSERT INTO "deliveries" VALUES(4,'telegram','1004','',4,NULL,'notice','blocked','','','rejected',1,0,'k4',NULL,'blocked',1060.0,1061.0,NULL,NULL,0,'');
INSERT INTO "deliveries" VALUES(5,'telegram','1004','',4,4,'reply','on hold','','[["Send it again", "repeat:5"]]','held',2,1,'k5',NULL,'held',1062.0,NULL,NULL,NULL,0,'');
INSERT INTO "deliveries" VALUES(6,'telegram','1002','',2,2,'stream','baking','','','sent',1,0,'k6','906',NULL,1220.0,1221.0,1220.0,NULL,1,'');
INSERT INTO "deliveries" VALUES(7,'telegram','1001','',1,1,'notice','changed','','','pending',0,0,'k7',NULL,NULL,1222.0,NULL,NULL,1,0,'');
INSERT INTO "deliveries" VALUES(8,'telegram','1002','',2,2,'notice','may I?','','[["Allow", "approve:1:yes"]]','sent',1,0,'k8','908',NULL,1230.0,1231.0,NULL,NULL,0,'');
INSERT INTO "deliveries" VALUES(9,'telegram','1001','',1,1,'file','','','','pending',0,0,'k9',NULL,NULL,1240.0,NULL,NULL,NULL,0,'["out/n-plan.txt", "plan.txt", "text/plain", 4]');
CREATE TABLE grants (
  account    TEXT NOT NULL,
  person     TEXT NOT NULL,
  name       TEXT NOT NULL,
  role       TEXT NOT NULL,
  granted_by TEXT NOT NULL,
  granted_at REAL NOT NULL,
  PRIMARY KEY (account, person)
) WITHOUT ROWID;
INSERT INTO "grants" VALUES('telegram','1002','Bob','user','operator',1100.0);
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
  turn_id     INTEGER, ref TEXT NOT NULL DEFAULT '',
  UNIQUE (account, event_id)
);
INSERT INTO "messages" VALUES(1,'telegram','501',1,'user','taken','','plums','["direct", "1001", "Ann", "7"]',1010.0,1,'');
INSERT INTO "messages" VALUES(2,'telegram','502',2,'user','taken','','bake a cake','["direct", "1002", "Bob", "7"]',1209.0,2,'');
INSERT INTO "messages" VALUES(3,'telegram','503',3,'user','taken','','dig a hole','["direct", "1003", "Eve", "7"]',1210.0,3,'');
INSERT INTO "messages" VALUES(4,'telegram','504',4,'user','taken','','loop','["direct", "1004", "Dan", "8"]',1012.0,4,'');
INSERT INTO "messages" VALUES(5,'telegram','505',4,'user','waiting','','are you there','["direct", "1004", "Dan", "8"]',1060.0,NULL,'');
INSERT INTO "messages" VALUES(6,'telegram','506',1,'user','waiting','','and pears','["direct", "1001", "Ann", "7"]',1299.0,NULL,'1001/71');
INSERT INTO "messages" VALUES(7,'telegram','507',1,'command','done','status','','["direct", "1001", "Ann", "7"]',1100.0,NULL,'');
INSERT INTO "messages" VALUES(8,'discord','508',6,'command','waiting','status','','["group", "9", "Fay", "8"]',1298.0,NULL,'');
INSERT INTO "messages" VALUES(9,'telegram','resume:4',4,'internal','withdrawn','','','["direct", "1004", "Dan", "8"]',1051.0,NULL,'');
INSERT INTO "messages" VALUES(10,'discord','510',5,'user','taken','','old','["group", "9", "Fay", "8"]',1013.0,5,'');
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
INSERT INTO "pairings" VALUES('telegram','1009','ABCDEFGH','Stranger','1009','',1290.0,99999999999.0,0);
CREATE TABLE refused_events (
  account  TEXT NOT NULL,
  event_id TEXT NOT NULL,
  at       REAL NOT NULL,
  PRIMARY KEY (account, event_id)
) WITHOUT ROWID;
INSERT INTO "refused_events" VALUES('discord','600',1250.0);
CREATE TABLE remembered (
  session_id INTEGER NOT NULL REFERENCES sessions (id),
  tool_kind  TEXT NOT NULL,
  title      TEXT NOT NULL,
  verdict    TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  decided_at REAL NOT NULL,
  PRIMARY KEY (session_id, tool_kind, title)
) WITHOUT ROWID;
INSERT INTO "remembered" VALUES(1,'read','look','allow_always','1001',1011.0);
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
  updated_at       REAL NOT NULL, chosen_agent TEXT, chosen_mode TEXT, chosen_options TEXT,
  UNIQUE (account, chat, thread, person, generation)
);
INSERT INTO "sessions" VALUES(1,'telegram','1001','','',1,'active',NULL,NULL,NULL,0,'demo','a1','/w/1','fresh','["direct", "1001", "Ann", "7"]','plums',NULL,0,NULL,1001.0,1201.0,NULL,NULL,NULL);
INSERT INTO "sessions" VALUES(2,'telegram','1002','','',1,'active',NULL,NULL,NULL,0,'demo','a2','/w/2','live','["direct", "1002", "Bob", "7"]','bake',NULL,0,NULL,1002.0,1202.0,NULL,NULL,NULL);
INSERT INTO "sessions" VALUES(3,'telegram','1003','','',1,'resume_pending','drain_timeout',3,1290.0,1,'demo','a3','/w/3','native','["direct", "1003", "Eve", "7"]','dig',NULL,0,NULL,1003.0,1203.0,'demo','shout','[["model", "large"]]');
INSERT INTO "sessions" VALUES(4,'telegram','1004','','',1,'suspended','resume_loop',4,1050.0,3,'demo','a4','/w/4','bootstrap','["direct", "1004", "Dan", "8"]','loop',NULL,0,NULL,1004.0,1204.0,NULL,NULL,NULL);
INSERT INTO "sessions" VALUES(5,'discord','77','','9',1,'active',NULL,NULL,NULL,0,'demo','a5','/w/5','fresh','["group", "9", "Fay", "8"]','old',NULL,0,NULL,1005.0,1205.0,NULL,NULL,NULL);
INSERT INTO "sessions" VALUES(6,'discord','77','','9',2,'active',NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,'',NULL,0,NULL,1206.0,1206.0,NULL,NULL,NULL);
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
INSERT INTO "steps" VALUES(1,0,'text','completed','','','','You said: plums');
INSERT INTO "steps" VALUES(2,0,'tool','completed','look','c1','read','');
INSERT INTO "steps" VALUES(2,1,'tool','running','oven','c2','execute','');
INSERT INTO "steps" VALUES(3,0,'text','interrupted','','','','I began');
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
, usage TEXT);
INSERT INTO "turns" VALUES(1,1,1,'completed',NULL,1010.0,1011.0,'fresh','this is a new conversation','end_turn','You said: plums',NULL,'[10, 20, 30, 1000, 0.5, "USD"]');
INSERT INTO "turns" VALUES(2,2,2,'running',NULL,1210.0,NULL,'live','the process still holds it',NULL,'',NULL,NULL);
INSERT INTO "turns" VALUES(3,3,2,'interrupted','drain_timeout',1211.0,1290.0,'native','the agent loaded it',NULL,'I began',NULL,NULL);
INSERT INTO "turns" VALUES(4,4,1,'interrupted','restart_interrupted',1012.0,1050.0,'bootstrap','lost',NULL,'',NULL,NULL);
INSERT INTO "turns" VALUES(5,5,1,'failed',NULL,1013.0,1014.0,'fresh','new',NULL,'',NULL,NULL);
CREATE INDEX boots_open ON boots (id) WHERE stopped_at IS NULL AND buried_at IS NULL;
CREATE INDEX sessions_pending ON sessions (id) WHERE state = 'resume_pending';
CREATE INDEX sessions_idle ON sessions (idle_at) WHERE idle_at IS NOT NULL;
CREATE INDEX messages_waiting ON messages (session_id, id) WHERE state = 'waiting';
CREATE INDEX messages_by_session ON messages (session_id, id);
CREATE INDEX messages_by_turn ON messages (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX turns_running ON turns (boot_id) WHERE state = 'running';
CREATE UNIQUE INDEX turns_one_running ON turns (session_id) WHERE state = 'running';
CREATE INDEX turns_by_session ON turns (session_id, id);
CREATE INDEX deliveries_owed ON deliveries (account, id) WHERE state IN ('pending', 'sending', 'unknown');
CREATE INDEX deliveries_troubled ON deliveries (id)
  WHERE state IN ('pending', 'sending', 'unknown', 'held', 'rejected');
CREATE INDEX deliveries_by_turn ON deliveries (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX cursors_moved ON cursors (account, moved_at);
CREATE INDEX refused_events_by_age ON refused_events (at);
CREATE INDEX deliveries_growing ON deliveries (session_id) WHERE growing = 1;
CREATE INDEX approvals_pending ON approvals (turn_id) WHERE state = 'pending';
CREATE INDEX approvals_by_session ON approvals (session_id);
CREATE INDEX messages_by_ref ON messages (account, ref) WHERE state = 'waiting';
CREATE INDEX attachments_by_message ON attachments (message_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('boots',2);
INSERT INTO "sqlite_sequence" VALUES('sessions',6);
INSERT INTO "sqlite_sequence" VALUES('turns',5);
INSERT INTO "sqlite_sequence" VALUES('messages',10);
INSERT INTO "sqlite_sequence" VALUES('deliveries',9);
INSERT INTO "sqlite_sequence" VALUES('approvals',2);
INSERT INTO "sqlite_sequence" VALUES('attachments',2);
COMMIT;
PRAGMA user_version = 4;
