-- Service items that were registered, each as its newest version; what it says is JSON, public, and compiled when it is read.
CREATE TABLE items (
    code text NOT NULL PRIMARY KEY CHECK (length(code) BETWEEN 1 AND 128),
    version integer NOT NULL CHECK (version >= 1),
    body text NOT NULL,
    updated_at integer NOT NULL
) STRICT, WITHOUT ROWID;
