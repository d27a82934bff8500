SELECT seq, at, action, state, actor, note FROM mismatch_steps WHERE subject = $1 AND mismatch = $2 ORDER BY seq
