-- People whose erasure has begun: no longer on the list, and removed from everywhere in slices. `done`: counts so far.
CREATE TABLE erasures (
    person_id TEXT NOT NULL PRIMARY KEY REFERENCES people (person_id),
    by TEXT NOT NULL,
    at TEXT NOT NULL,
    done TEXT NOT NULL
) STRICT;
