"""Runs work in forks, each killed one point later than the one before: a point is a change of names or a commit."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

EVENTS = {"os.rename": 0, "os.link": 0, "os.remove": 0, "sqlite3.connect": 0}
"""Audit event of Python -> which of its arguments is a path."""


def kills(work: Callable[[Path], object], prepare: Callable[[int], Path]) -> Iterator[Path]:
    """Folders that `prepare` made, after `work` on each was killed at its first point, its second, and so on.

    The last one, where it came to its end, is left out. Nothing that has threads may be open in this process.
    """
    point = 0
    while True:
        point += 1
        folder = prepare(point)
        child = os.fork()
        if child == 0:
            _run(work, folder, point)
        status = os.waitpid(child, 0)[1]
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, f"the work failed at point {point}"
            return
        assert os.WTERMSIG(status) == signal.SIGKILL
        yield folder


def _run(work: Callable[[Path], object], folder: Path, point: int) -> None:
    left = point

    def pass_point() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(event: str, args: tuple[Any, ...]) -> None:
        if event in EVENTS and str(folder) in str(args[EVENTS[event]]):
            pass_point()

    opened = sqlite3.connect

    def connect(*args: Any, **more: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = opened(*args, **more)
        db.set_trace_callback(lambda sql: pass_point() if sql.startswith("COMMIT") else None)
        return db

    try:
        sqlite3.connect = connect  # type: ignore[assignment]
        sys.addaudithook(hear)
        work(folder)
        os._exit(0)
    except BaseException:  # noqa: BLE001  (a fork must never return into the test)
        traceback.print_exc()
        os._exit(1)
