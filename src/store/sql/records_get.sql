select k.key, r.version, r.source_version, r.effective_at, r.received_at, r.source, r.identifiers, r.fields
from json_each(?1) as k
join records as r on r.dataset = k.value ->> 0 and r.subject = unhex(k.value ->> 1)
