INSERT INTO agencies (id, number, name, credit_code, authority_for, networks, disabled, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name,
    credit_code = excluded.credit_code,
    authority_for = excluded.authority_for,
    networks = excluded.networks,
    disabled = excluded.disabled,
    updated_at = excluded.updated_at
WHERE agencies.number = excluded.number
