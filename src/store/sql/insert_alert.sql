INSERT INTO alerts (id, rule, once, dataset, subject, mismatch, agency, facts, at, class, severity, entries, evidence, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (once) DO UPDATE SET facts = excluded.facts, entries = excluded.entries, evidence = excluded.evidence, updated_at = excluded.updated_at
WHERE excluded.entries > alerts.entries AND alerts.state <> 'closed'
