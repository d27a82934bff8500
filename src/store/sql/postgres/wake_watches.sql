UPDATE watches SET next_at = 0, revision = revision + 1
WHERE state <> 'ended' AND subject IN (SELECT decode(value, 'hex') FROM json_array_elements_text(CAST($1 AS json)))
