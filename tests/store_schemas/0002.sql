-- A stream that grows, an edit that is owed, somebody who was refused.
UPDATE cursors SET moved_at = 1250 WHERE account = 'discord';
INSERT INTO refused_events (account, event_id, at) VALUES ('discord', '600', 1250);
UPDATE deliveries SET claimed_at = 1289 WHERE id = 3;
INSERT INTO deliveries (id, account, chat, thread, session_id, turn_id, kind, body, state, attempt, key, platform_message_id, created_at, settled_at, claimed_at, growing)
VALUES (6, 'telegram', '1002', '', 2, 2, 'stream', 'baking', 'sent', 1, 'k6', '906', 1220, 1221, 1220, 1);
INSERT INTO deliveries (id, account, chat, thread, session_id, turn_id, kind, body, state, attempt, key, created_at, edits)
VALUES (7, 'telegram', '1001', '', 1, 1, 'notice', 'changed', 'pending', 0, 'k7', 1222, 1);
