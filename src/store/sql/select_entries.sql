SELECT id, entry FROM ledger_outbox WHERE origin IN ($1, '') ORDER BY id LIMIT $2
