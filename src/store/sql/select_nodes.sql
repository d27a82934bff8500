SELECT origin, number, url, ledger_key, checkpoint, seen_at FROM nodes ORDER BY number
