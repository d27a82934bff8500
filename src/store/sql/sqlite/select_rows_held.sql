SELECT max(0, coalesce(sum(rows_held), 0)) FROM agency_rows WHERE agency = $1 AND kind = $2
