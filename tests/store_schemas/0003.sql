-- A question that is open, one that was answered, and what was chosen.
INSERT INTO deliveries (id, account, chat, thread, session_id, turn_id, kind, body, buttons, state, attempt, key, platform_message_id, created_at, settled_at)
VALUES (8, 'telegram', '1002', '', 2, 2, 'notice', 'may I?', '[["Allow", "approve:1:yes"]]', 'sent', 1, 'k8', '908', 1230, 1231);
INSERT INTO approvals (id, session_id, turn_id, request, state, delivery_id, created_at)
VALUES (1, 2, 2, '[["c2", "oven", "execute"], [["yes", "Allow", "allow_once"], ["no", "Refuse", "reject_once"]]]', 'pending', 8, 1230);
INSERT INTO approvals (id, session_id, turn_id, request, state, option_id, decided_by, created_at, settled_at)
VALUES (2, 1, 1, '[["c0", "look", "read"], [["yes", "Always", "allow_always"]]]', 'allowed', 'yes', '1001', 1010, 1011);
INSERT INTO remembered (session_id, tool_kind, title, verdict, decided_by, decided_at)
VALUES (1, 'read', 'look', 'allow_always', '1001', 1011);
UPDATE sessions SET chosen_agent = 'demo', chosen_mode = 'shout', chosen_options = '[["model", "large"]]' WHERE id = 3;
