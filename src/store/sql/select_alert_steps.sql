SELECT seq, at, action, state, note FROM alert_steps WHERE alert = $1 ORDER BY seq
