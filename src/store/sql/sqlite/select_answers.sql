SELECT a.subject, a.agency, a.version, a.verification, a.at FROM json_each($1) AS k
CROSS JOIN answers AS a ON a.subject = unhex(k.value)
