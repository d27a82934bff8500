SELECT d.seq, d.id, d.target, d.reason, d.state, d.attempts, d.next_at, d.last_result, d.last_status, d.created_at, d.updated_at, e.seq, e.id, e.kind, e.dataset, e.subject, e.version, e.mismatch, e.agency, e.facts, e.at FROM events AS e INDEXED BY events_by_mismatch
CROSS JOIN deliveries AS d ON d.subject = e.subject AND d.event = e.id
WHERE e.subject = $1 AND e.mismatch = $2 AND e.kind <> 'mismatch'
ORDER BY d.seq
LIMIT 1000
