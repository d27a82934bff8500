SELECT CAST(greatest(0, coalesce(sum(rows_held), 0)) AS bigint) FROM agency_rows WHERE agency = $1 AND kind = $2
