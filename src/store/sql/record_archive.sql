insert into record_versions
    (dataset, subject, version, source_version, effective_at, received_at, source, identifiers, fields)
select dataset, subject, version, source_version, effective_at, received_at, source, identifiers, fields
from records
where dataset = ?1 and subject = ?2 and version = ?3
