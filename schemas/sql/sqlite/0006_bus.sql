-- The bus: what still has to be published, and the keys of a feed behind which records without a version wait.

-- 1 where nobody listens: what happened before a bus was there is not published.
ALTER TABLE events ADD COLUMN is_published integer NOT NULL DEFAULT 1 CHECK (is_published IN (0, 1));

CREATE INDEX events_unpublished ON events (seq) WHERE is_published = 0;

ALTER TABLE alerts ADD COLUMN is_published integer NOT NULL DEFAULT 0 CHECK (is_published IN (0, 1));

CREATE INDEX alerts_unpublished ON alerts (at, id) WHERE is_published = 0;

-- A message of this key could not be taken in: until a record with a version of its own comes, what follows it may be older.
CREATE TABLE parked_keys (
    topic text NOT NULL,
    -- Keyed hash of the message's key or of its subject.
    key blob NOT NULL CHECK (length(key) = 16),
    at integer NOT NULL,
    PRIMARY KEY (topic, key)
) STRICT, WITHOUT ROWID;
