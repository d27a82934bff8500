INSERT INTO ledger_outbox (entry)
VALUES (?)
