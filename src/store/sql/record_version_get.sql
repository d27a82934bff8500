select version, source_version, effective_at, received_at, source, identifiers, fields
from records
where dataset = ?1 and subject = ?2 and version = ?3
union all
select version, source_version, effective_at, received_at, source, identifiers, fields
from record_versions
where dataset = ?1 and subject = ?2 and version = ?3
