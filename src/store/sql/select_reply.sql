SELECT fingerprint, status, body, at FROM replies WHERE client = $1 AND key = $2
