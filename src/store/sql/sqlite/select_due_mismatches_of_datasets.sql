SELECT m.id, m.dataset, m.subject, m.agency, m.matter, m.fields, m.record_version, m.state, m.is_final, m.due_on, m.awaits, m.revision, m.opened_at, m.updated_at, m.facts, m.expires_at FROM (
    SELECT found.value ->> 0 AS due_on, found.value ->> 1 AS id FROM json_each($1) AS d CROSS JOIN json_each($2) AS s
    CROSS JOIN json_each((SELECT json_group_array(json_array(due_on, id)) FROM (
        SELECT due_on, id FROM mismatches
        WHERE is_final = 0 AND dataset = d.value AND state = s.value AND due_on < $3 AND (due_on, id) > ($4, $5)
        ORDER BY due_on, id LIMIT $6))) AS found
    ORDER BY 1, 2 LIMIT $6) AS page
CROSS JOIN mismatches AS m ON m.id = page.id
ORDER BY page.due_on, page.id
