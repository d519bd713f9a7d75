"""Time limits of the doctor: what takes too long is left behind and named, so that the whole report comes in time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from edge.ops.doctor.check import Check, warned

WHOLE_S = 28.0
"""Seconds from the start of the process to the end of the last check; printing takes the rest of 30 s."""
LONGEST_S = 18.0
"""Seconds for one group of checks, which look at the same thing."""


class TimeLimit:
    """Runs groups of checks one after the other, each for a limited time, and all until a common end."""

    def __init__(self, whole_s: float | None = None) -> None:
        self._ends_at = None if whole_s is None else time.monotonic() + whole_s
        self.num_cut = 0

    def run(self, name: str, job: Callable[[], Iterable[Check]], longest_s: float = LONGEST_S) -> list[Check]:
        """The answers of `job`; a warning that says when it was cut, where its time was over."""
        if self._ends_at is None:
            return list(job())
        limit_s = max(0.0, min(longest_s, self._ends_at - time.monotonic()))
        found: list[Check] = []
        errors: list[Exception] = []

        def work() -> None:
            try:
                for check in job():
                    found.append(check)
            except Exception as error:  # noqa: BLE001  (raised again by who waits)
                errors.append(error)

        if limit_s > 0:
            # A check can hang in a driver: its thread is left behind, and ends with the process.
            thread = threading.Thread(target=work, name=f"doctor {name}", daemon=True)
            thread.start()
            thread.join(limit_s)
            if not thread.is_alive():
                if errors:
                    raise errors[0]
                return found
        self.num_cut += 1
        told, last = f"not finished after {limit_s:.1f} s", "this part hangs"
        if limit_s <= 0:
            told, last = "not begun: the time was over before", "look at the part above that was not finished"
        fix = f"run `edge doctor` again when the box has less to do; if that does not help, {last}"
        return [*list(found), warned(name, told, fix)]


def process_age_s(proc: Path = Path("/proc")) -> float:
    """Seconds since this process was started; 0 where the system does not tell."""
    try:
        started = int((proc / "self" / "stat").read_text("ascii", "replace").rpartition(")")[2].split()[19])
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return 0.0
