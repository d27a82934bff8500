INSERT INTO replies (client, key, fingerprint, status, body, at)
VALUES ($1, $2, $3, $4, $5, $6)
