SELECT a.id, a.rule, a.once, a.dataset, a.subject, a.mismatch, a.agency, a.facts, a.at, a.class, a.severity, a.state, a.revision, a.entries, a.evidence, a.updated_at FROM (
    SELECT found.at, found.id FROM json_array_elements(CAST($1 AS json)) AS r (value) CROSS JOIN json_array_elements_text(CAST($2 AS json)) AS s (value)
    CROSS JOIN LATERAL (
        SELECT at, id FROM alerts
        WHERE rule = r.value ->> 0 AND class = r.value ->> 1 AND state = s.value AND at >= $3 AND (at, id) < ($4, $5)
        ORDER BY at DESC, id DESC LIMIT $6) AS found
    ORDER BY found.at DESC, found.id DESC LIMIT $6) AS page
CROSS JOIN LATERAL (SELECT id, rule, once, dataset, subject, mismatch, agency, facts, at, class, severity, state, revision, entries, evidence, updated_at FROM alerts WHERE id = page.id LIMIT 1) AS a
ORDER BY page.at DESC, page.id DESC
