SELECT kind, word, CAST(sum(count) AS bigint) FROM tallies GROUP BY kind, word
