-- What each person said of a hit, in order. `needs_second`: the hit's status asked for a second person at that moment.
CREATE TABLE verdicts (
    verdict_id INTEGER PRIMARY KEY AUTOINCREMENT,
    hit_id TEXT NOT NULL REFERENCES hits (hit_id) ON DELETE CASCADE,
    by TEXT NOT NULL,
    at TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    note TEXT,
    needs_second INTEGER NOT NULL
) STRICT;
CREATE INDEX verdicts_by_hit ON verdicts (hit_id, verdict_id);

-- Filters of the page walk one of these without looking at rows they leave out.
CREATE INDEX hits_of_person ON hits (person_id, hit_id, camera, review_state);
CREATE INDEX hits_at_camera ON hits (camera, hit_id, review_state);
DROP INDEX hits_by_camera;

ALTER TABLE users ADD COLUMN language TEXT;
