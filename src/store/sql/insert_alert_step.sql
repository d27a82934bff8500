INSERT INTO alert_steps (alert, seq, at, action, state, note) VALUES ($1, $2, $3, $4, $5, $6)
