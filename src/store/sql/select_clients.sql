SELECT id, name, role, agency, secret_hash, previous_secret_hash, previous_valid_until, public_key, disabled, created_at, updated_at FROM clients ORDER BY id
