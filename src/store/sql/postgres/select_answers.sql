SELECT a.subject, a.agency, a.version, a.verification, a.at FROM json_array_elements_text(CAST($1 AS json)) AS k (subject)
JOIN answers AS a ON a.subject = decode(k.subject, 'hex')
