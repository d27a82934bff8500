INSERT INTO mismatch_steps (mismatch, seq, at, action, state, actor, note)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
