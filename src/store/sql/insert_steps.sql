INSERT INTO mismatch_steps (mismatch, seq, at, action, state, actor, note)
VALUES (?, ?, ?, ?, ?, ?, ?)
