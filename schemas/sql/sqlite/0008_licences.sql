-- Other ways to find a record than by its subject: keyed hashes of what the dataset's schema names (type, number and holder of a licence;
-- the version that it came after). Several records may stand under one: versions of one licence share type, number and holder.
CREATE TABLE record_keys (
    dataset text NOT NULL CHECK (length(dataset) BETWEEN 1 AND 64),
    hash blob NOT NULL CHECK (length(hash) = 16),
    subject blob NOT NULL CHECK (length(subject) = 16),
    PRIMARY KEY (dataset, hash, subject)
) STRICT, WITHOUT ROWID;

-- A new version takes the hashes of the older away.
CREATE INDEX record_keys_by_subject ON record_keys (dataset, subject);
