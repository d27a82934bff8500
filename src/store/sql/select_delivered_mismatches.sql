SELECT id, dataset, subject, agency, matter, fields, record_version, state, is_final, due_on, awaits, revision, opened_at, updated_at, facts FROM mismatches AS m
WHERE awaits IS NOT NULL
AND EXISTS (SELECT 1 FROM events AS e WHERE e.id = m.awaits AND e.is_fanned = 1)
AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.event = m.awaits AND d.state = 'pending')
LIMIT ?1
