-- What operators look at: its cost grows with what there is to see, not with all sessions and turns.
CREATE INDEX sessions_suspended ON sessions (id) WHERE state = 'suspended';
CREATE INDEX turns_interrupted ON turns (boot_id) WHERE state = 'interrupted';
CREATE INDEX turns_continuing ON turns (resumes_turn_id) WHERE resumes_turn_id IS NOT NULL;
-- Forgetting a conversation looks for what was owed to it.
CREATE INDEX deliveries_by_session ON deliveries (session_id) WHERE session_id IS NOT NULL;
