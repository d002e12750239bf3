-- Files both ways, costs, somebody who was let in and somebody who asks for it.
UPDATE messages SET ref = '1001/71' WHERE id = 6;
INSERT INTO attachments (id, message_id, account, ref, given_name, name, mime, size, kind, state)
VALUES (1, 1, 'telegram', 'f1', 'plum.png', 'plum.png', 'image/png', 10, 'image', 'stored'),
       (2, 6, 'telegram', 'f2', 'pear.png', 'pear.png', 'image/png', NULL, 'image', 'waiting');
INSERT INTO deliveries (id, account, chat, thread, session_id, turn_id, kind, body, state, key, created_at, file)
VALUES (9, 'telegram', '1001', '', 1, 1, 'file', '', 'pending', 'k9', 1240, '["out/n-plan.txt", "plan.txt", "text/plain", 4]');
UPDATE turns SET usage = '[10, 20, 30, 1000, 0.5, "USD"]' WHERE id = 1;
INSERT INTO grants (account, person, name, role, granted_by, granted_at) VALUES ('telegram', '1002', 'Bob', 'user', 'operator', 1100);
INSERT INTO pairings (account, person, code, name, chat, thread, created_at, expires_at)
VALUES ('telegram', '1009', 'ABCDEFGH', 'Stranger', '1009', '', 1290, 99999999999);
