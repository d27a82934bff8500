update records
set version = ?4, source_version = ?5, effective_at = ?6, received_at = ?7, source = ?8, identifiers = ?9, fields = ?10
where dataset = ?1 and subject = ?2 and version = ?3
