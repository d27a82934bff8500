INSERT INTO live_fetches (dataset, subject, fetched_at, found)
VALUES ($1, $2, $3, $4)
ON CONFLICT (dataset, subject) DO UPDATE SET
    found = CASE WHEN excluded.fetched_at >= live_fetches.fetched_at THEN excluded.found ELSE live_fetches.found END,
    fetched_at = CASE WHEN excluded.fetched_at >= live_fetches.fetched_at THEN excluded.fetched_at ELSE live_fetches.fetched_at END
