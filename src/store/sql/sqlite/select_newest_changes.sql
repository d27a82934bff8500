SELECT e.seq, e.id, e.kind, e.dataset, e.subject, e.version, e.mismatch, e.agency, e.facts, e.at
FROM json_each($1) AS k
CROSS JOIN events AS e ON e.kind = 'record.changed' AND e.subject = unhex(k.value) AND e.seq = (SELECT max(n.seq) FROM events AS n WHERE n.kind = 'record.changed' AND n.subject = unhex(k.value))
