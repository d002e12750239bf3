-- It was restored once.
INSERT INTO restores (id, taken_at, restored_at, answer_since, suspended, held) VALUES (1, 900, 950, 950, 2, 1);
