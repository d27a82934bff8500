UPDATE ledger_outbox SET origin = $1 WHERE origin = $2
