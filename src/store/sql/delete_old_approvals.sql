DELETE FROM approvals WHERE created_at < $1
