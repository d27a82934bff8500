DELETE FROM subscriptions WHERE state = 'deleted' AND updated_at < $1
