"""What the web side asks of the program: enrolling people, examining files, pausing recognition, the acceptance walk.

Records and Protocols only. `edge.app` does the work on threads and in processes of its own, so that nothing imported
here reaches a model or a pixel. Each `require_` function returns what stands behind a key, or raises ServiceError.
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
from edge.records import Person
from edge.store import Receipt
from edge.store.guarding import Pause

UNFINISHED = frozenset({"queued", "running"})


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded picture file."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PictureOutcome:
    """Result of one picture's check: accepted, or refused with a reason; with the measured numbers."""

    source: str
    accepted: bool
    reason: str | None
    message: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Entry:
    """One person of a new watchlist; `pictures` None keeps the person's references."""

    person: Person
    pictures: tuple[Upload, ...] | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Result for one person. `is_stored` is False if no picture could be used; then nothing was changed."""

    person: Person
    is_stored: bool
    outcomes: tuple[PictureOutcome, ...]
    num_references: int


class PeopleService(Protocol):
    """Changes the watchlist. Calls are queued and run one at a time on a thread of their own.

    `by` is the caller's name for the audit. With `if_version`, PreconditionError unless the list has that version.
    """

    async def enrol(
        self,
        person: Person,
        pictures: Sequence[Upload],
        *,
        by: str,
        replace: bool = False,
        if_version: int | None = None,
    ) -> Enrolled:
        """Check pictures and keep those that pass; with `replace`, instead of the references the person had."""
        ...

    async def replace_all(
        self, entries: Sequence[Entry], *, by: str, if_version: int | None = None
    ) -> tuple[Enrolled, ...]:
        """Replace the whole list, all or nothing; people not in `entries` are erased."""
        ...

    async def erase(self, person_id: str, *, by: str, if_version: int | None = None) -> Receipt:
        """Erase a person with references, hits and pictures."""
        ...


@dataclass(slots=True)
class Examination:
    """One examination, queued, running or over. `log` has pairs: seconds since its start, text or catalogue key."""

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
    """Queue of files to examine, one at a time, in a worker process of low priority."""

    @property
    def settings(self) -> ExamineConfig: ...

    @property
    def inbox(self) -> Path:
        """Folder into which a file may be written before it is submitted."""
        ...

    async def submit(self, name: str, path: Path, by: str) -> Examination:
        """Queue the file at `path`, which then belongs to the queue; ConflictError if too many wait."""
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
        """Delete all results, since any may show an erased person; return how many there were."""
        ...


class RecognitionSwitch(Protocol):
    """Pauses and resumes recognition on this device."""

    @property
    def pause_now(self) -> Pause | None: ...

    async def pause(self, by: str, reason: str, minutes: float) -> Pause: ...

    async def resume(self, by: str) -> None: ...


@dataclass(frozen=True, slots=True)
class StationView:
    """What one station has shown so far."""

    light: str
    metres: int
    faces: int
    eye_px: float
    sharpness: float
    luma: float
    similarity: float
    is_recognised: bool


@dataclass(frozen=True, slots=True)
class CommissionView:
    """How far the walk is. `state` is idle, ready, measuring or done."""

    state: str = "idle"
    camera: str = ""
    person_id: str = ""
    light: str = "day"
    metres: float = 0.0
    seconds_left: float = 0.0
    stations: tuple[StationView, ...] = ()
    sentence: str = ""
    false_alerts: str = ""


class AcceptanceWalk(Protocol):
    """One walk at a time."""

    def view(self) -> CommissionView: ...

    async def begin(self, camera: str, person_id: str) -> None:
        """Start a new walk, dropping one in progress; EdgeError if the person is not on the watchlist."""
        ...

    async def measure(self, metres: float, light: str) -> None:
        """Measure for some seconds how well the walker is recognised at that distance."""
        ...

    async def finish(self, by: str) -> None:
        """Write and sign the sheet and end the walk; EdgeError if nothing was measured."""
        ...

    async def cancel(self) -> None:
        """Drop the walk and its measurements; a signed sheet stays."""
        ...

    def sheet(self) -> bytes | None:
        """The sheet signed last since the service started, or None."""
        ...


PEOPLE: web.AppKey[PeopleService | None] = web.AppKey("people")
EXAMINER: web.AppKey[Examiner | None] = web.AppKey("examiner")
RECOGNITION_SWITCH: web.AppKey[RecognitionSwitch | None] = web.AppKey("recognition_switch")
ACCEPTANCE_WALK: web.AppKey[AcceptanceWalk | None] = web.AppKey("acceptance_walk")


def require_people_service(app: web.Application) -> PeopleService:
    """The people service, or ServiceError if this process has no models."""
    service = app[PEOPLE]
    if service is None:
        raise ServiceError(
            "this process can't check pictures: it runs without models; start the service with its models"
        )
    return service


def require_examiner(app: web.Application) -> Examiner:
    """The examiner, or ServiceError if this process has no models."""
    if (examiner := app[EXAMINER]) is None:
        raise ServiceError(
            "this process can't examine files: it runs without models; start the service with its models"
        )
    return examiner


def require_recognition_switch(app: web.Application) -> RecognitionSwitch:
    """The switch for recognition, or ServiceError if this process recognises nobody."""
    if (recognition := app[RECOGNITION_SWITCH]) is None:
        raise ServiceError("this process doesn't recognise anybody: there is nothing to pause")
    return recognition


def require_walk(app: web.Application) -> AcceptanceWalk:
    """The acceptance walk, or ServiceError if this process has no cameras."""
    if (walk := app[ACCEPTANCE_WALK]) is None:
        raise ServiceError("this process has no cameras: use the running service")
    return walk
