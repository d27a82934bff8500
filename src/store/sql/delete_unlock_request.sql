DELETE FROM unlock_requests WHERE subject = $1 AND client = $2
