-- How many subjects each agency was right about on a day: they raise its ceilings of the guess budget on every node, and over a start.
CREATE TABLE agency_right (
    agency integer NOT NULL,
    day integer NOT NULL,
    subjects integer NOT NULL CHECK (subjects >= 0),
    PRIMARY KEY (agency, day)
) STRICT;

CREATE INDEX agency_right_by_day ON agency_right (day);
