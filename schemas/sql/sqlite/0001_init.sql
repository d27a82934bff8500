-- The first schema: records and their past versions, who may ask, and the outbox of the ledger.
-- Every key of a record table begins with (dataset, subject), so that the tables can be split by it.
-- Times are Unix microseconds, JSON is text, flags are 0 or 1: the same as in the PostgreSQL twin.

CREATE TABLE meta (
    name text NOT NULL PRIMARY KEY,
    value text NOT NULL
) STRICT;

INSERT INTO meta (name, value) VALUES ('pings', '0');

-- A table with a row number, on purpose: keys are pseudonyms and so arrive in random order. Rows are
-- appended and only the narrow key index is touched at random, which writes a quarter of what a table
-- clustered by the key would write.
CREATE TABLE records (
    dataset text NOT NULL CHECK (length(dataset) BETWEEN 1 AND 64),
    subject blob NOT NULL CHECK (length(subject) = 16),
    version integer NOT NULL CHECK (version BETWEEN 1 AND 4294967295),
    source_version integer,
    effective_at integer,
    received_at integer NOT NULL,
    source text,
    identifiers text NOT NULL CHECK (substr(identifiers, 1, 1) = '{'),
    fields text NOT NULL CHECK (substr(fields, 1, 1) = '{'),
    PRIMARY KEY (dataset, subject)
) STRICT;

-- Past versions only: a row comes here when it is replaced, so a first load writes one row a record.
CREATE TABLE record_versions (
    dataset text NOT NULL CHECK (length(dataset) BETWEEN 1 AND 64),
    subject blob NOT NULL CHECK (length(subject) = 16),
    version integer NOT NULL CHECK (version BETWEEN 1 AND 4294967295),
    source_version integer,
    effective_at integer,
    received_at integer NOT NULL,
    source text,
    identifiers text NOT NULL CHECK (substr(identifiers, 1, 1) = '{'),
    fields text NOT NULL CHECK (substr(fields, 1, 1) = '{'),
    PRIMARY KEY (dataset, subject, version)
) STRICT;

CREATE TABLE agencies (
    id text NOT NULL PRIMARY KEY CHECK (length(id) >= 1),
    number integer NOT NULL UNIQUE CHECK (number BETWEEN 0 AND 4294967295),
    name text NOT NULL,
    credit_code text NOT NULL CHECK (length(credit_code) = 18),
    authority_for text NOT NULL CHECK (substr(authority_for, 1, 1) = '['),
    networks text NOT NULL CHECK (substr(networks, 1, 1) = '['),
    disabled integer NOT NULL CHECK (disabled IN (0, 1)),
    created_at integer NOT NULL,
    updated_at integer NOT NULL
) STRICT;

CREATE TABLE clients (
    id text NOT NULL PRIMARY KEY CHECK (length(id) >= 1),
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('agency', 'authority', 'operator', 'manager', 'auditor')),
    agency text REFERENCES agencies (id),
    secret_hash blob NOT NULL CHECK (length(secret_hash) = 32),
    previous_secret_hash blob CHECK (length(previous_secret_hash) = 32),
    previous_valid_until integer,
    public_key blob CHECK (length(public_key) = 32),
    disabled integer NOT NULL CHECK (disabled IN (0, 1)),
    created_at integer NOT NULL,
    updated_at integer NOT NULL,
    -- A business system without an agency would be answerable to nobody.
    CHECK (role <> 'agency' OR agency IS NOT NULL)
) STRICT;

CREATE INDEX clients_by_agency ON clients (agency);

CREATE TABLE grants (
    id text NOT NULL PRIMARY KEY CHECK (length(id) >= 1),
    agency text NOT NULL REFERENCES agencies (id),
    dataset text NOT NULL CHECK (length(dataset) BETWEEN 1 AND 64),
    fields text NOT NULL CHECK (substr(fields, 1, 1) = '['),
    operations text NOT NULL CHECK (substr(operations, 1, 1) = '['),
    item_codes text NOT NULL CHECK (substr(item_codes, 1, 1) = '['),
    valid_from integer NOT NULL,
    valid_until integer,
    daily_ceiling integer CHECK (daily_ceiling >= 0),
    networks text NOT NULL CHECK (substr(networks, 1, 1) = '['),
    revoked_at integer,
    created_at integer NOT NULL,
    CHECK (valid_until IS NULL OR valid_until >= valid_from)
) STRICT;

CREATE INDEX grants_by_agency ON grants (agency);

CREATE TABLE grant_usage (
    grant_id text NOT NULL REFERENCES grants (id),
    day integer NOT NULL,
    used integer NOT NULL CHECK (used >= 0),
    PRIMARY KEY (grant_id, day)
) STRICT;

CREATE INDEX grant_usage_by_day ON grant_usage (day);

-- Numbers are never given twice, not even after all rows were deleted.
CREATE TABLE ledger_outbox (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    entry blob NOT NULL CHECK (length(entry) >= 1)
) STRICT;
