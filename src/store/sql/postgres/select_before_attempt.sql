SELECT state FROM deliveries WHERE subject = $1 AND id = $2 FOR UPDATE
