SELECT seq, at, action, state, actor, note FROM mismatch_steps WHERE mismatch = $1 ORDER BY seq
