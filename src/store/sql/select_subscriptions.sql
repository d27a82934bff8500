SELECT id, agency, url, events, datasets, until, supersedes, secret, previous_secret, previous_valid_until, state, created_at, updated_at
FROM subscriptions WHERE state <> 'deleted' ORDER BY id
