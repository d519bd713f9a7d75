"""Sums kept per hour: the same as those of the spans, from few rows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from edge.store import Store, Watching
from edge.store.coverage.coverage import Moment
from edge.store.database.jobs import Change
from tests.support.store import Clock

S = 1_000_000_000


def test_a_month_of_changes_is_summed_up_from_few_rows(tmp_path: Path) -> None:
    clock = Clock()
    store = Store.open(tmp_path, clock=clock)
    store.coverage.moment = lambda: Moment("boot-1", 30 * 24 * 3600 * S, clock())  # type: ignore[method-assign]
    store.coverage.begin().result(10)
    num = 30 * 24 * 60

    def fill(change: Change) -> None:
        change.db.execute("DELETE FROM spans")
        change.db.executemany(
            """INSERT INTO spans (run_id, boot_id, camera, state, reason, by, start_ns, end_ns)
               VALUES ('x', 'boot-1', ?, ?, ?, NULL, ?, ?)""",
            [
                (camera, *(("watched", "") if n % 2 else ("blind", "lost")), n * 60 * S, (n + 1) * 60 * S)
                for n in range(num)
                for camera in ("door", "yard")[: 1 + n % 4 // 2]
            ],
        )

    def count_steps() -> tuple[int, dict[str, dict[tuple[str, str, str], float]]]:
        steps, end = [0], clock()

        def count() -> int:
            steps[0] += 1
            return 0

        store._core.read(lambda db: db.set_progress_handler(count, 100))
        found = store.coverage.sums(end - dt.timedelta(days=25), end, ["gate"])
        store._core.read(lambda db: db.set_progress_handler(None, 0))
        return steps[0], found

    store._core.write(fill).result(60)
    raw, before = count_steps()
    for _ in range(17):
        store.coverage.note([Watching("door", "watched")]).result(10)
    kept, after = count_steps()
    assert before == after
    assert kept < raw / 8
    minutes = 25 * 24 * 60
    assert after["door"] == {("watched", "", ""): minutes * 30, ("blind", "lost", ""): minutes * 30}
    assert after["yard"]["blind", "camera not set up", ""] == minutes * 30
    assert after["gate"] == {("blind", "camera not set up", ""): minutes * 60}
    store.close()
