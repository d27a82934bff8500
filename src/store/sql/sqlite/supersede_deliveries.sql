UPDATE deliveries INDEXED BY deliveries_in_order SET state = 'superseded', updated_at = $3
WHERE target = $1 AND subject = $2 AND state = 'pending'
AND event IN (SELECT id FROM events WHERE kind = 'record.changed' AND subject = $2)
AND seq < (SELECT max(seq) FROM deliveries INDEXED BY deliveries_in_order WHERE target = $1 AND subject = $2 AND state = 'pending')
RETURNING event
