"""What the web side asks of the box beside looking at pictures: examining files, and pausing recognition.

Records and Protocols only; `edge.app.examine.queue` and `edge.app.service.pause` do the work.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from edge.config import ExamineConfig
from edge.errors import ServiceError
from edge.store.coverage.pause import Pause

WAITING = frozenset({"queued", "running"})


@dataclass(slots=True)
class Examination:
    """One file that is, will be or was examined. `log` holds (seconds after the start, words or a catalogue key)."""

    job_id: str
    name: str
    by: str
    at: dt.datetime
    state: str = "queued"
    frames: int = 0
    problem: str | None = None
    summary: Mapping[str, Any] | None = None
    log: list[tuple[float, str]] = field(default_factory=list)


class Examiner(Protocol):
    """Examines files one after the other, in a process of its own that gives way to live work."""

    @property
    def settings(self) -> ExamineConfig: ...

    @property
    def inbox(self) -> Path:
        """Folder into which a file may be written before it is submitted."""
        ...

    async def submit(self, name: str, path: Path, by: str) -> Examination:
        """Take over the file at `path`, and examine it when its turn comes; ConflictError if too many wait."""
        ...

    def jobs(self) -> Sequence[Examination]:
        """All that are kept, newest first."""
        ...

    def job(self, job_id: str) -> Examination | None: ...

    def hits(self, job_id: str) -> Sequence[Mapping[str, Any]]:
        """What was found, as `hits.jsonl` has it."""
        ...

    def file(self, job_id: str, name: str) -> Path | None:
        """A file of the results, by its name: the report or a cut-out face."""
        ...

    async def remove(self, job_id: str) -> None:
        """Stop it if it still works, and delete its results."""
        ...

    async def remove_all(self) -> int:
        """Delete everything, as after an erasure; returns how many results there were."""
        ...


class Recognition(Protocol):
    """Comparing faces, and pausing it."""

    @property
    def pause_now(self) -> Pause | None: ...

    async def pause(self, by: str, reason: str, minutes: float) -> Pause: ...

    async def resume(self, by: str) -> None: ...


EXAMINER: web.AppKey[Examiner | None] = web.AppKey("examiner")
RECOGNITION: web.AppKey[Recognition | None] = web.AppKey("recognition")


def require_examiner(app: web.Application) -> Examiner:
    """The examiner, or ServiceError where this service has none."""
    if (examiner := app[EXAMINER]) is None:
        raise ServiceError("this service examines no files: it runs without models; use the service of the box")
    return examiner


def require_recognition(app: web.Application) -> Recognition:
    """The switch, or ServiceError where this service recognises nobody."""
    if (recognition := app[RECOGNITION]) is None:
        raise ServiceError("this service recognises nobody: there is nothing to pause")
    return recognition
