-- In which order boots came, since when each is known, whether its wall clock could be trusted, and when it was last set
-- by more than an hour. Boots from before this migration have no number: they came before all others.
ALTER TABLE boots ADD COLUMN number INTEGER;
ALTER TABLE boots ADD COLUMN first_ns INTEGER;
ALTER TABLE boots ADD COLUMN is_trusted INTEGER NOT NULL DEFAULT 1;
ALTER TABLE boots ADD COLUMN stepped_ns INTEGER;

-- Feed items timed by the boot's own clock, one in some minutes: by these, and not by the dates, they grow old.
CREATE TABLE marks (
    seq INTEGER NOT NULL PRIMARY KEY,
    boot_id TEXT NOT NULL,
    boot_ns INTEGER NOT NULL
) STRICT;

-- The feed item of a hit's last sighting; verdicts given later don't make it younger.
ALTER TABLE hits ADD COLUMN seen_seq INTEGER;
UPDATE hits SET seen_seq = coalesce(
    (SELECT max(seq) FROM feed WHERE feed.hit_id = hits.hit_id AND type IN ('alert.created', 'alert.updated')),
    latest_seq
);
CREATE INDEX hits_by_sighting ON hits (seen_seq);
