SELECT client, at FROM unlock_requests WHERE subject = $1
