-- Records, access, and the ledger's outbox. Times are Unix microseconds; lists are JSON.
-- Every key of a record begins with its dataset and subject, so that rows can be spread over shards by subject.

create table records (
    dataset        text    not null,
    subject        blob    not null check (length(subject) = 16),
    version        integer not null check (version >= 1),
    source_version integer,
    effective_at   integer,
    received_at    integer not null,
    source         text,
    identifiers    text    not null,
    fields         text    not null,
    primary key (dataset, subject)
) strict, without rowid;

-- Versions that were replaced; the current one stands in `records` alone.
create table record_versions (
    dataset        text    not null,
    subject        blob    not null check (length(subject) = 16),
    version        integer not null check (version >= 1),
    source_version integer,
    effective_at   integer,
    received_at    integer not null,
    source         text,
    identifiers    text    not null,
    fields         text    not null,
    primary key (dataset, subject, version)
) strict, without rowid;

create table agencies (
    id            text    not null primary key,
    number        integer not null unique check (number >= 1),
    name          text    not null,
    credit_code   text    not null check (length(credit_code) = 18),
    authority_for text    not null,
    networks      text    not null,
    disabled      integer not null check (disabled in (0, 1)),
    created_at    integer not null,
    updated_at    integer not null
) strict;

-- One client has one role: manager, operator and auditor are disjoint by construction.
create table clients (
    id                   text    not null primary key,
    name                 text    not null,
    role                 text    not null check (role in ('agency', 'authority', 'operator', 'manager', 'auditor')),
    agency               text    references agencies (id),
    secret_hash          blob    not null check (length(secret_hash) = 32),
    previous_secret_hash blob    check (length(previous_secret_hash) = 32),
    previous_valid_until integer,
    public_key           blob    check (length(public_key) = 32),
    disabled             integer not null check (disabled in (0, 1)),
    created_at           integer not null,
    updated_at           integer not null,
    check ((agency is not null) = (role in ('agency', 'authority')))
) strict;

create table grants (
    id            text    not null primary key,
    agency        text    not null references agencies (id),
    dataset       text    not null,
    fields        text    not null,
    operations    text    not null,
    item_codes    text    not null,
    valid_from    integer not null,
    valid_until   integer check (valid_until > valid_from),
    daily_ceiling integer check (daily_ceiling >= 0),
    networks      text    not null,
    revoked_at    integer,
    created_at    integer not null
) strict;

create table grant_usage (
    grant_id text    not null,
    day      integer not null,
    used     integer not null check (used >= 0),
    primary key (grant_id, day)
) strict, without rowid;

-- Entries that were committed with state and are not yet known to be in the ledger.
create table ledger_outbox (
    id    integer primary key autoincrement,
    entry blob not null
) strict;
