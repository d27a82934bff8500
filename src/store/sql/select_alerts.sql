SELECT id, rule, once, dataset, subject, mismatch, agency, facts, at, class, severity, state, revision, entries, evidence, updated_at FROM alerts
WHERE ($1 IS NULL OR state = $1)
AND ($2 IS NULL OR class = $2)
AND ($3 IS NULL OR rule = $3)
AND at >= $4
AND (at < $5 OR (at = $5 AND id < $6))
ORDER BY at DESC, id DESC
LIMIT $7
