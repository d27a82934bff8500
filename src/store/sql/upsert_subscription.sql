INSERT INTO subscriptions (id, agency, url, events, datasets, until, supersedes, secret, previous_secret, previous_valid_until, state, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (id) DO UPDATE SET
    url = excluded.url,
    events = excluded.events,
    datasets = excluded.datasets,
    until = excluded.until,
    supersedes = excluded.supersedes,
    secret = excluded.secret,
    previous_secret = excluded.previous_secret,
    previous_valid_until = excluded.previous_valid_until,
    state = excluded.state,
    updated_at = excluded.updated_at
WHERE subscriptions.agency = excluded.agency
