UPDATE watches SET next_at = 0, revision = revision + 1
WHERE state <> 'ended' AND subject IN (SELECT unhex(value) FROM json_each($1))
