SELECT id, at, action, target, by_client FROM administration_log WHERE id < $1 ORDER BY id DESC LIMIT $2
