SELECT key FROM parked_keys WHERE topic = $1 LIMIT $2
