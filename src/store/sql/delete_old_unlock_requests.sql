DELETE FROM unlock_requests WHERE at < $1
