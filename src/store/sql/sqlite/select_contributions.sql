SELECT c.subject, c.agency, c.version FROM json_each($2) AS k
CROSS JOIN contributions AS c ON c.subject = unhex(k.value) AND c.dataset = $1
