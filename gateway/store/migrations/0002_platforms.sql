-- Cursors of single chats: those that moved last are the ones worth reading back.
ALTER TABLE cursors ADD COLUMN moved_at REAL NOT NULL DEFAULT 0;
CREATE INDEX cursors_moved ON cursors (account, moved_at);

-- Events of people who were not let in: read back later, they are still refused.
CREATE TABLE refused_events (
  account  TEXT NOT NULL,
  event_id TEXT NOT NULL,
  at       REAL NOT NULL,
  PRIMARY KEY (account, event_id)
) WITHOUT ROWID;
CREATE INDEX refused_events_by_age ON refused_events (at);

-- When the platform may have heard of a delivery first.
ALTER TABLE deliveries ADD COLUMN claimed_at REAL;
-- The delivery whose message this one changes, instead of being a message of its own.
ALTER TABLE deliveries ADD COLUMN edits INTEGER;
-- A message in which an answer grows, until the end of that answer is owed.
ALTER TABLE deliveries ADD COLUMN growing INTEGER NOT NULL DEFAULT 0;
CREATE INDEX deliveries_growing ON deliveries (session_id) WHERE growing = 1;
