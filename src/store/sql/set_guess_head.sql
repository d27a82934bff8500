INSERT INTO guess_heads (subject, revision)
VALUES ($1, $2)
ON CONFLICT (subject) DO UPDATE SET revision = excluded.revision WHERE guess_heads.revision = $3
