SELECT w.id, w.agency, w.dataset, w.subject, w.state, w.until, w.next_at, w.revision, w.facts, w.created_at, w.updated_at FROM (
    SELECT found.id FROM json_array_elements_text(CAST($2 AS json)) AS s (value)
    CROSS JOIN LATERAL (
        SELECT id FROM watches WHERE agency = $1 AND state = s.value AND id > $3 ORDER BY id LIMIT $4) AS found
    ORDER BY found.id LIMIT $4) AS page
CROSS JOIN LATERAL (SELECT id, agency, dataset, subject, state, until, next_at, revision, facts, created_at, updated_at FROM watches WHERE id = page.id LIMIT 1) AS w
ORDER BY page.id
