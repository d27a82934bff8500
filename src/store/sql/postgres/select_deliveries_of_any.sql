SELECT d.seq, d.id, d.target, d.reason, d.state, d.attempts, d.next_at, d.last_result, d.last_status, d.created_at, d.updated_at, e.seq, e.id, e.kind, e.dataset, e.subject, e.version, e.mismatch, e.agency, e.facts, e.at FROM (
    SELECT found.seq FROM json_array_elements_text(CAST($1 AS json)) AS s (value)
    CROSS JOIN LATERAL (
        SELECT seq FROM deliveries WHERE state = s.value AND seq > $2 ORDER BY seq LIMIT $3) AS found
    ORDER BY found.seq LIMIT $3) AS page
CROSS JOIN LATERAL (SELECT * FROM deliveries WHERE seq = page.seq LIMIT 1) AS d
CROSS JOIN LATERAL (SELECT * FROM events WHERE subject = d.subject AND id = d.event LIMIT 1) AS e
ORDER BY page.seq
