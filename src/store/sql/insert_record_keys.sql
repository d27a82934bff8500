INSERT INTO record_keys (dataset, hash, subject)
VALUES (?, ?, ?)
