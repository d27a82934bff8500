SELECT pg_notify('heyan', $1)
