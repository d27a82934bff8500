SELECT d.seq, d.id, d.target, d.reason, d.state, d.attempts, d.next_at, d.last_result, d.last_status, d.created_at, d.updated_at, e.seq, e.id, e.kind, e.dataset, e.subject, e.version, e.mismatch, e.agency, e.facts, e.at FROM deliveries AS d
JOIN events AS e ON e.subject = d.subject AND e.id = d.event
WHERE e.subject = $1 AND e.mismatch = $2 AND e.kind <> 'mismatch'
ORDER BY d.seq
LIMIT 1000
