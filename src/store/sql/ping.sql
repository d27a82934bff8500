UPDATE meta SET value = CAST(CAST(value AS integer) + 1 AS text) WHERE name = 'pings'
