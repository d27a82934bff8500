INSERT INTO ledger_outbox (origin, entry)
VALUES (?, ?)
RETURNING id
