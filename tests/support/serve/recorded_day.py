"""A day of coverage as it was recorded, for pages that show it."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from unittest.mock import patch

from edge.store import Store, Watching


async def record_a_day(store: Store) -> None:
    """Both cameras over the last hours: one always watched but for a pause, one lost for a while and again now."""
    now, coverage = store.coverage.moment(), store.coverage
    pause = (
        Watching("door", "paused", "work at the gate", "anna"),
        Watching("yard", "paused", "work at the gate", "anna"),
    )
    lost = Watching("door", "watched"), Watching("yard", "blind", "lost")
    both = Watching("door", "watched"), Watching("yard", "watched")
    for hours, watching in (
        (18.0, both),
        (12.5, lost),
        (11.7, both),
        (6.0, pause),
        (5.0, both),
        (0.8, both),
        (0.0, lost),
    ):
        ago = dataclasses.replace(
            now, boot_ns=now.boot_ns - int(hours * 3600e9), wall=now.wall - dt.timedelta(hours=hours)
        )
        with patch.object(coverage, "moment", return_value=ago):
            noted = coverage.note(watching)
        await asyncio.wrap_future(noted)
