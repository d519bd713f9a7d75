-- What each camera watched: stretches of one state, timed by the boot's own clock, which no one can set.
CREATE TABLE spans (
    span_id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    camera TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    by TEXT,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX spans_by_camera ON spans (camera, span_id);
CREATE INDEX spans_by_boot ON spans (boot_id);

-- Each boot's clock against the wall clock, as last known: a wall clock that was set moves the whole boot along.
CREATE TABLE boots (
    boot_id TEXT NOT NULL PRIMARY KEY,
    wall_at TEXT NOT NULL,
    boot_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
