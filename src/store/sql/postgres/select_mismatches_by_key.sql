SELECT m.id, m.dataset, m.subject, m.agency, m.matter, m.fields, m.record_version, m.state, m.is_final, m.due_on, m.awaits, m.revision, m.opened_at, m.updated_at, m.facts, m.expires_at FROM json_array_elements(CAST($1 AS json)) AS k (value)
JOIN mismatches AS m ON m.subject = decode(k.value ->> 0, 'hex') AND m.id = k.value ->> 1
