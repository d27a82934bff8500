INSERT INTO approvals (id, kind, state, asked_by, revision, facts, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (id) DO UPDATE SET
    state = excluded.state,
    revision = excluded.revision,
    facts = excluded.facts,
    updated_at = excluded.updated_at
WHERE approvals.revision = excluded.revision - 1
