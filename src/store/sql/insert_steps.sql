INSERT INTO mismatch_steps (subject, mismatch, seq, at, action, state, actor, note)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
