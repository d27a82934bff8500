INSERT INTO unlock_requests (subject, client, at)
VALUES ($1, $2, $3)
ON CONFLICT (subject) DO UPDATE SET client = excluded.client, at = excluded.at
WHERE unlock_requests.client = excluded.client OR unlock_requests.at < $4
