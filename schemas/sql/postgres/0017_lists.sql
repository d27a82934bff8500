-- Every list is read from an index that holds what is asked and the order of its pages: equal columns first, then the key of the page.
-- A list over several states or datasets reads one short run of the index for each of them.

DROP INDEX mismatches_by_agency;
DROP INDEX mismatches_by_dataset;
-- The primary key begins with the subject too.
DROP INDEX mismatches_by_subject;
DROP INDEX mismatches_due;
CREATE INDEX mismatches_of_agency ON mismatches (agency, dataset, state, id);
CREATE INDEX mismatches_of_dataset ON mismatches (dataset, state, id);
CREATE INDEX mismatches_due_of_agency ON mismatches (agency, dataset, state, due_on, id) WHERE is_final = 0;
CREATE INDEX mismatches_due_of_dataset ON mismatches (dataset, state, due_on, id) WHERE is_final = 0;
-- Empty, unless the working days of a year are not known.
CREATE INDEX mismatches_undated ON mismatches (id) WHERE due_on IS NULL AND state IN ('open', 'disputed');

-- Whose subscription the target is; none for a sink.
ALTER TABLE deliveries ADD COLUMN agency text;

UPDATE deliveries SET agency = (SELECT s.agency FROM subscriptions AS s WHERE s.id = deliveries.target);

CREATE INDEX deliveries_of_agency ON deliveries (agency, state, seq) WHERE agency IS NOT NULL;
CREATE INDEX deliveries_of_target ON deliveries (target, state, seq);
CREATE INDEX deliveries_dead ON deliveries (state, created_at) WHERE state = 'dead';
CREATE INDEX deliveries_dead_of_target ON deliveries (target, state, created_at) WHERE state = 'dead';

DROP INDEX watches_by_agency;
CREATE INDEX watches_of_agency ON watches (agency, state, id);

DROP INDEX alerts_by_time;
CREATE INDEX alerts_of_rule ON alerts (rule, class, state, at, id);

CREATE INDEX quality_verdicts_of_agency ON quality_verdicts (agency, day);

-- What is forgotten after a time is found by its time.
CREATE INDEX guess_heads_by_time ON guess_heads (revision);
CREATE INDEX unlock_requests_by_time ON unlock_requests (at);
