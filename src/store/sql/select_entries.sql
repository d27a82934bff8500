SELECT id, entry FROM (
    SELECT id, entry FROM (SELECT id, entry FROM ledger_outbox WHERE origin = $1 ORDER BY id LIMIT $2) AS own
    UNION ALL
    SELECT id, entry FROM (SELECT id, entry FROM ledger_outbox WHERE origin = '' AND $1 <> '' ORDER BY id LIMIT $2) AS old
) AS oldest
ORDER BY id LIMIT $2
