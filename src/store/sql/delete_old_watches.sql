DELETE FROM watches WHERE state = 'ended' AND updated_at < $1
