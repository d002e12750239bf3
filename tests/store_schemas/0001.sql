-- What happened to a ledger of the first schema: a clean boot, and one that was cut off in the middle of it all.
INSERT INTO boots (id, replica, pid, state, started_at, seen_at, intent, stopped_at)
VALUES (1, 'host', 41, 'stopped', 1000, 1100, 'stop', 1100);
INSERT INTO boots (id, replica, pid, state, started_at, seen_at) VALUES (2, 'host', 42, 'serving', 1200, 1300);

INSERT INTO sessions (id, account, chat, thread, person, generation, state, reason, resume_turn_id,
 resume_marked_at, resume_attempts, agent, agent_session_id, cwd, last_mode, origin, title, created_at, updated_at)
VALUES
(1, 'telegram', '1001', '', '', 1, 'active', NULL, NULL, NULL, 0, 'demo', 'a1', '/w/1', 'fresh', '["direct", "1001", "Ann", "7"]', 'plums', 1001, 1201),
(2, 'telegram', '1002', '', '', 1, 'active', NULL, NULL, NULL, 0, 'demo', 'a2', '/w/2', 'live', '["direct", "1002", "Bob", "7"]', 'bake', 1002, 1202),
(3, 'telegram', '1003', '', '', 1, 'resume_pending', 'drain_timeout', 3, 1290, 1, 'demo', 'a3', '/w/3', 'native', '["direct", "1003", "Eve", "7"]', 'dig', 1003, 1203),
(4, 'telegram', '1004', '', '', 1, 'suspended', 'resume_loop', 4, 1050, 3, 'demo', 'a4', '/w/4', 'bootstrap', '["direct", "1004", "Dan", "8"]', 'loop', 1004, 1204),
(5, 'discord', '77', '', '9', 1, 'active', NULL, NULL, NULL, 0, 'demo', 'a5', '/w/5', 'fresh', '["group", "9", "Fay", "8"]', 'old', 1005, 1205),
(6, 'discord', '77', '', '9', 2, 'active', NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, '', 1206, 1206);

INSERT INTO turns (id, session_id, boot_id, state, reason, started_at, ended_at, resume_mode, mode_reason, stop_reason, text, resumes_turn_id)
VALUES
(1, 1, 1, 'completed', NULL, 1010, 1011, 'fresh', 'this is a new conversation', 'end_turn', 'You said: plums', NULL),
(2, 2, 2, 'running', NULL, 1210, NULL, 'live', 'the process still holds it', NULL, '', NULL),
(3, 3, 2, 'interrupted', 'drain_timeout', 1211, 1290, 'native', 'the agent loaded it', NULL, 'I began', NULL),
(4, 4, 1, 'interrupted', 'restart_interrupted', 1012, 1050, 'bootstrap', 'lost', NULL, '', NULL),
(5, 5, 1, 'failed', NULL, 1013, 1014, 'fresh', 'new', NULL, '', NULL);

INSERT INTO messages (id, account, event_id, session_id, kind, state, command, text, origin, received_at, turn_id)
VALUES
(1, 'telegram', '501', 1, 'user', 'taken', '', 'plums', '["direct", "1001", "Ann", "7"]', 1010, 1),
(2, 'telegram', '502', 2, 'user', 'taken', '', 'bake a cake', '["direct", "1002", "Bob", "7"]', 1209, 2),
(3, 'telegram', '503', 3, 'user', 'taken', '', 'dig a hole', '["direct", "1003", "Eve", "7"]', 1210, 3),
(4, 'telegram', '504', 4, 'user', 'taken', '', 'loop', '["direct", "1004", "Dan", "8"]', 1012, 4),
(5, 'telegram', '505', 4, 'user', 'waiting', '', 'are you there', '["direct", "1004", "Dan", "8"]', 1060, NULL),
(6, 'telegram', '506', 1, 'user', 'waiting', '', 'and pears', '["direct", "1001", "Ann", "7"]', 1299, NULL),
(7, 'telegram', '507', 1, 'command', 'done', 'status', '', '["direct", "1001", "Ann", "7"]', 1100, NULL),
(8, 'discord', '508', 6, 'command', 'waiting', 'status', '', '["group", "9", "Fay", "8"]', 1298, NULL),
(9, 'telegram', 'resume:4', 4, 'internal', 'withdrawn', '', '', '["direct", "1004", "Dan", "8"]', 1051, NULL),
(10, 'discord', '510', 5, 'user', 'taken', '', 'old', '["group", "9", "Fay", "8"]', 1013, 5);

INSERT INTO steps (turn_id, seq, kind, status, title, tool_call_id, tool_kind, text)
VALUES
(1, 0, 'text', 'completed', '', '', '', 'You said: plums'),
(2, 0, 'tool', 'completed', 'look', 'c1', 'read', ''),
(2, 1, 'tool', 'running', 'oven', 'c2', 'execute', ''),
(3, 0, 'text', 'interrupted', '', '', '', 'I began');

INSERT INTO deliveries (id, account, chat, thread, session_id, turn_id, kind, body, reply_to, buttons, state, attempt, doubtful, key, platform_message_id, error, created_at, settled_at)
VALUES
(1, 'telegram', '1001', '', 1, 1, 'reply', 'You said: plums', '7', '', 'sent', 1, 0, 'k1', '900', NULL, 1011, 1012),
(2, 'telegram', '1001', '', 1, NULL, 'notice', 'what was owed', '', '', 'pending', 0, 0, 'k2', NULL, NULL, 1299, NULL),
(3, 'telegram', '1003', '', 3, 3, 'reply', 'may be there', '', '', 'sending', 1, 0, 'k3', NULL, NULL, 1289, NULL),
(4, 'telegram', '1004', '', 4, NULL, 'notice', 'blocked', '', '', 'rejected', 1, 0, 'k4', NULL, 'blocked', 1060, 1061),
(5, 'telegram', '1004', '', 4, 4, 'reply', 'on hold', '', '[["Send it again", "repeat:5"]]', 'held', 2, 1, 'k5', NULL, 'held', 1062, NULL);

INSERT INTO cursors (account, scope, value)
VALUES ('telegram', '', '509'), ('discord', '', '1000'), ('discord', 'dm:77', '2000'), ('slack', 'first', '1000.000000');
