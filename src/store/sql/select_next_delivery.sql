SELECT min(next_at) FROM deliveries WHERE state = 'pending' AND target = $1
