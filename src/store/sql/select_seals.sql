SELECT id, state, until, revision, facts, created_at, updated_at FROM trace_seals ORDER BY id
