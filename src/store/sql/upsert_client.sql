INSERT INTO clients (id, name, role, agency, secret_hash, previous_secret_hash, previous_valid_until, public_key, disabled, created_at, updated_at, appointed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name,
    role = excluded.role,
    agency = excluded.agency,
    secret_hash = excluded.secret_hash,
    previous_secret_hash = excluded.previous_secret_hash,
    previous_valid_until = excluded.previous_valid_until,
    public_key = excluded.public_key,
    disabled = excluded.disabled,
    updated_at = excluded.updated_at
