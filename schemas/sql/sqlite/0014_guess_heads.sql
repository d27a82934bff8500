-- The last change of what was guessed about a subject: nodes that share the store compare and set it, so that none tells a guess
-- beside one of another node that it has not heard of.
CREATE TABLE guess_heads (
    subject blob NOT NULL PRIMARY KEY CHECK (length(subject) = 16),
    -- When it was, Unix microseconds, or one more than the one before.
    revision integer NOT NULL CHECK (revision >= 1)
) STRICT, WITHOUT ROWID;

-- Requests to forgive the guesses about a subject that wait for a second person.
CREATE TABLE unlock_requests (
    subject blob NOT NULL PRIMARY KEY CHECK (length(subject) = 16),
    client text NOT NULL,
    at integer NOT NULL
) STRICT, WITHOUT ROWID;
