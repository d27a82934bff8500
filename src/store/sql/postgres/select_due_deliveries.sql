SELECT d.seq, d.id, d.target, d.reason, d.state, d.attempts, d.next_at, d.last_result, d.last_status, d.created_at, d.updated_at, e.seq, e.id, e.kind, e.dataset, e.subject, e.version, e.mismatch, e.agency, e.facts, e.at FROM deliveries AS d
JOIN events AS e ON e.subject = d.subject AND e.id = d.event
WHERE d.state = 'pending' AND d.target = $1 AND d.next_at <= $2
AND d.seq = (SELECT min(o.seq) FROM deliveries AS o WHERE o.state = 'pending' AND o.target = d.target AND o.subject = d.subject)
ORDER BY d.next_at, d.seq
LIMIT $3
