INSERT INTO alerts (id, rule, once, dataset, subject, mismatch, agency, facts, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (once) DO NOTHING
