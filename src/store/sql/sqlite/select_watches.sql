SELECT w.id, w.agency, w.dataset, w.subject, w.state, w.until, w.next_at, w.revision, w.facts, w.created_at, w.updated_at FROM (
    SELECT found.value AS id FROM json_each($2) AS s
    CROSS JOIN json_each((SELECT json_group_array(id) FROM (
        SELECT id FROM watches WHERE agency = $1 AND state = s.value AND id > $3 ORDER BY id LIMIT $4))) AS found
    ORDER BY found.value LIMIT $4) AS page
CROSS JOIN watches AS w ON w.id = page.id
ORDER BY page.id
