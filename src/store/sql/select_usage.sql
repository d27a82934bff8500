SELECT grant_id, day, used FROM grant_usage WHERE day >= (SELECT max(day) FROM grant_usage) - 1
