INSERT INTO case_checks (case_id, number, dataset, subject, record_version, verification, facts, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
