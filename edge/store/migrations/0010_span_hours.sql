-- Sums of the whole hours of a boot's own clock, made from `spans`: a report over a long time reads these.
-- Camera '' stands for the time in which any camera was recorded; its row says that the hour is summed. `by` '': nobody.
CREATE TABLE span_hours (
    boot_id TEXT NOT NULL,
    hour INTEGER NOT NULL,
    camera TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    by TEXT NOT NULL,
    ns INTEGER NOT NULL,
    PRIMARY KEY (boot_id, hour, camera, state, reason, by)
) STRICT, WITHOUT ROWID;
