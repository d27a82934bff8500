select grant_id, day, used from grant_usage where day >= (select max(day) - 1 from grant_usage)
