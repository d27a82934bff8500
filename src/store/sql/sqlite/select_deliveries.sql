SELECT d.seq, d.id, d.target, d.reason, d.state, d.attempts, d.next_at, d.last_result, d.last_status, d.created_at, d.updated_at, e.seq, e.id, e.kind, e.dataset, e.subject, e.version, e.mismatch, e.agency, e.facts, e.at FROM deliveries AS d
JOIN events AS e ON e.subject = d.subject AND e.id = d.event
WHERE ($1 IS NULL OR d.target IN (SELECT value FROM json_each($1)))
AND ($2 IS NULL OR d.state = $2)
AND ($3 IS NULL OR d.seq > $3)
AND d.created_at >= $4 AND d.created_at < $5
ORDER BY d.seq
LIMIT $6
