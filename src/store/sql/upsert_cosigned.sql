INSERT INTO cosigned (origin, witness, witness_key, checkpoint, at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (origin, witness) DO UPDATE SET witness_key = excluded.witness_key, checkpoint = excluded.checkpoint, at = excluded.at
