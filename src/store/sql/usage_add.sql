insert into grant_usage (grant_id, day, used) values (?1, ?2, ?3)
on conflict (grant_id, day) do update set used = used + excluded.used
