SELECT e.seq, e.id, e.kind, e.dataset, e.subject, e.version, e.mismatch, e.agency, e.facts, e.at
FROM json_array_elements_text(CAST($1 AS json)) AS k (subject)
JOIN events AS e ON e.kind = 'record.changed' AND e.subject = decode(k.subject, 'hex') AND e.seq = (SELECT max(n.seq) FROM events AS n WHERE n.kind = 'record.changed' AND n.subject = decode(k.subject, 'hex'))
