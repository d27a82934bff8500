SELECT code, version, body, updated_at FROM items ORDER BY code
