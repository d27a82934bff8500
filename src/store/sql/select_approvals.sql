SELECT id, kind, state, asked_by, revision, facts, created_at, updated_at FROM approvals ORDER BY id
