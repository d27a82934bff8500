DELETE FROM ledger_outbox WHERE id IN (SELECT value FROM json_each($1))
