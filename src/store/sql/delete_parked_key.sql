DELETE FROM parked_keys WHERE topic = $1 AND key = $2
