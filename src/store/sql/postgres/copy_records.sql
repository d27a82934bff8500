COPY records (dataset, subject, version, source_version, effective_at, received_at, source, identifiers, fields) FROM STDIN
