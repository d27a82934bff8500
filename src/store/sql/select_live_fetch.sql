SELECT fetched_at, found FROM live_fetches WHERE dataset = $1 AND subject = $2
