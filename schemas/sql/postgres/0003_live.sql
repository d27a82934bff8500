-- When the source of a live dataset was last asked about a record that is or was stored. A row here has a record:
-- nothing is kept of numbers that nobody has.

CREATE TABLE live_fetches (
    dataset text NOT NULL CHECK (length(dataset) BETWEEN 1 AND 64),
    subject bytea NOT NULL CHECK (length(subject) = 16),
    fetched_at bigint NOT NULL,
    -- 0: the source said that there is none, so an older copy is void.
    found bigint NOT NULL CHECK (found IN (0, 1)),
    PRIMARY KEY (subject, dataset)
);
