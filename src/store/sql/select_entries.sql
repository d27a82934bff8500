SELECT id, entry FROM ledger_outbox ORDER BY id LIMIT ?1
