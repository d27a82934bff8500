UPDATE deliveries SET state = $3, attempts = $4, next_at = $5, last_result = $6, last_status = $7, updated_at = $8
WHERE subject = $1 AND id = $2 AND (state = 'pending' OR $3 = 'pending')
RETURNING event
