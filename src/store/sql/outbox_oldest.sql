select id, entry from ledger_outbox order by id limit ?1
