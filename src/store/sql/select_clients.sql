SELECT id, name, role, agency, secret_hash, previous_secret_hash, previous_valid_until, public_key, disabled, created_at, updated_at, appointed_by FROM clients ORDER BY id
