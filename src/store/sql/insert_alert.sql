INSERT INTO alerts (id, rule, once, dataset, subject, mismatch, agency, facts, at, class, severity, entries, evidence, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (once) DO NOTHING
