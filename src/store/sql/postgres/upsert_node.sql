INSERT INTO nodes (origin, number, url, ledger_key, checkpoint, seen_at)
VALUES ($1, $2, $3, $4, $5, CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint))
ON CONFLICT (origin) DO UPDATE SET number = excluded.number, url = excluded.url, checkpoint = excluded.checkpoint, seen_at = excluded.seen_at
WHERE nodes.ledger_key = excluded.ledger_key
