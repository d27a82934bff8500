SELECT a.id, a.rule, a.once, a.dataset, a.subject, a.mismatch, a.agency, a.facts, a.at, a.class, a.severity, a.state, a.revision, a.entries, a.evidence, a.updated_at FROM (
    SELECT found.value ->> 0 AS at, found.value ->> 1 AS id FROM json_each($1) AS r CROSS JOIN json_each($2) AS s
    CROSS JOIN json_each((SELECT json_group_array(json_array(at, id)) FROM (
        SELECT at, id FROM alerts
        WHERE rule = r.value ->> 0 AND class = r.value ->> 1 AND state = s.value AND at >= $3 AND (at, id) < ($4, $5)
        ORDER BY at DESC, id DESC LIMIT $6))) AS found
    ORDER BY 1 DESC, 2 DESC LIMIT $6) AS page
CROSS JOIN alerts AS a ON a.id = page.id
ORDER BY page.at DESC, page.id DESC
