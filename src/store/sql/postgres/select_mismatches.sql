SELECT id, dataset, subject, agency, matter, fields, record_version, state, is_final, due_on, awaits, revision, opened_at, updated_at, facts, expires_at FROM mismatches
WHERE ($1 IS NULL OR agency = $1)
AND ($2 IS NULL OR dataset IN (SELECT value FROM json_array_elements_text(CAST($2 AS json))))
AND ($3 IS NULL OR state = $3)
AND ($4 IS NULL OR (is_final = 0 AND due_on < $4))
AND ($5 IS NULL OR id > $5)
ORDER BY id
LIMIT $6
