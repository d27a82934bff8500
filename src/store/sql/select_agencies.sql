SELECT id, number, name, credit_code, authority_for, networks, disabled, created_at, updated_at FROM agencies ORDER BY id
