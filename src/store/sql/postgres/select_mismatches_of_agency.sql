SELECT m.id, m.dataset, m.subject, m.agency, m.matter, m.fields, m.record_version, m.state, m.is_final, m.due_on, m.awaits, m.revision, m.opened_at, m.updated_at, m.facts, m.expires_at FROM (
    SELECT found.id FROM json_array_elements_text(CAST($2 AS json)) AS d (value) CROSS JOIN json_array_elements_text(CAST($3 AS json)) AS s (value)
    CROSS JOIN LATERAL (
        SELECT id FROM mismatches WHERE agency = $1 AND dataset = d.value AND state = s.value AND id > $4 ORDER BY id LIMIT $5) AS found
    ORDER BY found.id LIMIT $5) AS page
CROSS JOIN LATERAL (SELECT id, dataset, subject, agency, matter, fields, record_version, state, is_final, due_on, awaits, revision, opened_at, updated_at, facts, expires_at FROM mismatches WHERE id = page.id LIMIT 1) AS m
ORDER BY page.id
