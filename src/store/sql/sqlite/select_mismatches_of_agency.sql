SELECT m.id, m.dataset, m.subject, m.agency, m.matter, m.fields, m.record_version, m.state, m.is_final, m.due_on, m.awaits, m.revision, m.opened_at, m.updated_at, m.facts, m.expires_at FROM (
    SELECT found.value AS id FROM json_each($2) AS d CROSS JOIN json_each($3) AS s
    CROSS JOIN json_each((SELECT json_group_array(id) FROM (
        SELECT id FROM mismatches WHERE agency = $1 AND dataset = d.value AND state = s.value AND id > $4 ORDER BY id LIMIT $5))) AS found
    ORDER BY found.value LIMIT $5) AS page
CROSS JOIN mismatches AS m ON m.id = page.id
ORDER BY page.id
