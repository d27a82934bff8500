SELECT d.seq, d.id, d.target, d.reason, d.state, d.attempts, d.next_at, d.last_result, d.last_status, d.created_at, d.updated_at, e.seq, e.id, e.kind, e.dataset, e.subject, e.version, e.mismatch, e.agency, e.facts, e.at FROM (
    SELECT found.value AS seq FROM json_each($2) AS s
    CROSS JOIN json_each((SELECT json_group_array(seq) FROM (
        SELECT seq FROM deliveries WHERE agency = $1 AND state = s.value AND seq > $3 ORDER BY seq LIMIT $4))) AS found
    ORDER BY found.value LIMIT $4) AS page
CROSS JOIN deliveries AS d ON d.seq = page.seq
CROSS JOIN events AS e ON e.subject = d.subject AND e.id = d.event
ORDER BY page.seq
