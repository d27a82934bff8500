insert into records
    (dataset, subject, version, source_version, effective_at, received_at, source, identifiers, fields)
select
    value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8
from json_each(?1)
where true
on conflict (dataset, subject) do nothing
