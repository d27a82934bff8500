SELECT m.id, m.dataset, m.subject, m.agency, m.matter, m.fields, m.record_version, m.state, m.is_final, m.due_on, m.awaits, m.revision, m.opened_at, m.updated_at, m.facts, m.expires_at FROM json_each($1) AS k
CROSS JOIN mismatches AS m ON m.subject = unhex(k.value ->> 0) AND m.id = k.value ->> 1
