SELECT c.subject, c.agency, c.version FROM json_array_elements_text(CAST($2 AS json)) AS k (value)
JOIN contributions AS c ON c.subject = decode(k.value, 'hex') AND c.dataset = $1
