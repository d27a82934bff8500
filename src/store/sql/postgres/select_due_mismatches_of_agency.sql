SELECT m.id, m.dataset, m.subject, m.agency, m.matter, m.fields, m.record_version, m.state, m.is_final, m.due_on, m.awaits, m.revision, m.opened_at, m.updated_at, m.facts, m.expires_at FROM (
    SELECT found.due_on, found.id FROM json_array_elements_text(CAST($2 AS json)) AS d (value) CROSS JOIN json_array_elements_text(CAST($3 AS json)) AS s (value)
    CROSS JOIN LATERAL (
        SELECT due_on, id FROM mismatches
        WHERE is_final = 0 AND agency = $1 AND dataset = d.value AND state = s.value AND due_on < $4 AND (due_on, id) > ($5, $6)
        ORDER BY due_on, id LIMIT $7) AS found
    ORDER BY found.due_on, found.id LIMIT $7) AS page
CROSS JOIN LATERAL (SELECT id, dataset, subject, agency, matter, fields, record_version, state, is_final, due_on, awaits, revision, opened_at, updated_at, facts, expires_at FROM mismatches WHERE id = page.id LIMIT 1) AS m
ORDER BY page.due_on, page.id
