insert into ledger_outbox (entry) values (?1)
