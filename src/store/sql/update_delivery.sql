UPDATE deliveries SET state = $2, attempts = $3, next_at = $4, last_result = $5, last_status = $6, updated_at = $7
WHERE id = $1 AND (state = 'pending' OR $2 = 'pending')
RETURNING event
