SELECT case_id, number, dataset, subject, record_version, verification, facts, created_at FROM case_checks WHERE case_id = $1 ORDER BY number
