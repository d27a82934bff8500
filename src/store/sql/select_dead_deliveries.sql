SELECT d.seq, d.id, d.target, d.reason, d.state, d.attempts, d.next_at, d.last_result, d.last_status, d.created_at, d.updated_at, e.seq, e.id, e.kind, e.dataset, e.subject, e.version, e.mismatch, e.agency, e.facts, e.at FROM deliveries AS d
JOIN events AS e ON e.subject = d.subject AND e.id = d.event
WHERE d.state = 'dead' AND d.created_at >= $1 AND d.created_at < $2
ORDER BY d.created_at
LIMIT $3
