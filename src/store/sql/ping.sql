UPDATE meta SET value = CAST(CAST(value AS bigint) + 1 AS text) WHERE name = 'pings'
