-- Backups that this ledger was restored from. What was written before `answer_since` and is found later, when
-- chats are read back, is not answered; nothing there means that the ledger goes on exactly where it was.
CREATE TABLE restores (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  taken_at     REAL NOT NULL,      -- when the backup was taken
  restored_at  REAL NOT NULL,
  answer_since REAL,
  suspended    INTEGER NOT NULL,   -- conversations that wait for a person since
  held         INTEGER NOT NULL    -- deliveries that do
);
