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
from edge.config.drawn import DrawnAreas
from edge.errors import ServiceError
from edge.store import Erasure
from edge.store.coverage.pause import Pause
from edge.watchlist.entry import EnrolOutcome, ListEntry

UNFINISHED = frozenset({"queued", "running"})


class PeopleService(Protocol):
    """Changes the watchlist. Calls with pictures are queued and run one at a time on a thread of their own.

    `by` is the caller's name for the audit. With `if_version`, PreconditionError unless the list has that version.
    PersonIdError for an id that a new person may not have, ExpiryError for a new end in the past; ServiceError for
    pictures if this process has no models.
    """

    async def enrol(
        self,
        entry: ListEntry,
        *,
        by: str,
        replaces: bool = False,
        allow_alike: bool = False,
        if_version: int | None = None,
    ) -> EnrolOutcome:
        """Add or change one person; with `replaces` pictures replace the references, else they are added.

        With `allow_alike` pictures pass that look like somebody else's; the audit says so.
        """
        ...

    async def replace_list(
        self, entries: Sequence[ListEntry], *, by: str, if_version: int | None = None
    ) -> tuple[EnrolOutcome, ...]:
        """Replace the whole list, all or nothing; people not in `entries` are erased."""
        ...

    async def forget(self, person_id: str, *, by: str, if_version: int | None = None) -> Erasure:
        """Erase a person with references, hits, pictures and examinations; NotFoundError if the list has no such id."""
        ...


MIN_FRAMES_FOR_RATE = 5
"""Frames after which the time that is left can be told."""


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
    total: int | None = None
    """About how many frames there are to examine; None where the file doesn't say."""
    first_s: float | None = None
    """Seconds from the start to the first frame, and to the last word of the worker."""
    told_s: float = 0.0

    @property
    def percent(self) -> int | None:
        """How far it is; None where nobody knows."""
        return None if not self.total else min(99, 100 * self.frames // self.total)

    @property
    def left_s(self) -> float | None:
        """Seconds that are left at the rate so far; None where nobody knows."""
        if not self.total or self.first_s is None or self.frames < MIN_FRAMES_FOR_RATE:
            return None
        return max(0.0, (self.told_s - self.first_s) / self.frames * (self.total - self.frames))


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

    def faces(self, job_id: str) -> Sequence[Mapping[str, Any]]:
        """Every face that was followed and what became of it, as `tracks.jsonl` has it."""
        ...

    def quiet_s(self, job_id: str) -> float:
        """Seconds since the worker of a running examination last said anything."""
        ...

    def file(self, job_id: str, name: str) -> Path | None:
        """A picture of the results, by its file's name."""
        ...

    def report(self, job_id: str, language: str) -> Path | None:
        """The report in that language."""
        ...

    async def remove(self, job_id: str) -> None:
        """Stop it if it still works, and delete its results."""
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
    why: str = ""
    """Why not, where the walker was not recognised."""
    is_judged: bool = True
    """False where the walker was there too shortly for an answer."""


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
    limit: float | None = None
    """The similarity limit in force; None before a walk."""
    proposed_limit: float | None = None
    """The limit that at most one stranger in `proposed_one_in` reaches; None where the list can't be calibrated."""
    proposed_one_in: float = 0.0
    is_unseen: bool = False
    """Whether hardly a frame was searched while the last station was measured."""


class AcceptanceWalk(Protocol):
    """One walk at a time."""

    def view(self) -> CommissionView: ...

    async def begin(self, camera: str, person_id: str) -> None:
        """Start a new walk, dropping one in progress; EdgeError if the person is not on the watchlist."""
        ...

    async def measure(self, metres: float, light: str) -> None:
        """Measure for some seconds how well the walker is recognised at that distance."""
        ...

    async def finish(self, by: str, language: str) -> None:
        """Write the sheet in that language, sign it and end the walk; EdgeError if nothing was measured."""
        ...

    async def cancel(self) -> None:
        """Drop the walk and its measurements; a signed sheet stays."""
        ...

    def sheet(self) -> bytes | None:
        """The sheet signed last since the service started, or None."""
        ...


@dataclass(frozen=True, slots=True)
class CameraAreas:
    """Zones and masks of a camera: what was drawn on the page, and what the configuration file says, by kind."""

    drawn: DrawnAreas
    fixed: Mapping[str, Sequence[Sequence[tuple[float, float]]]]


class Areas(Protocol):
    """Keeps zones and masks that are drawn on the page."""

    async def of(self, camera: str) -> CameraAreas:
        """Those of a camera; NotFoundError where there is none of that name."""
        ...

    async def save(self, camera: str, areas: DrawnAreas, *, version: str, by: str) -> None:
        """Keep them and put them in force; PreconditionError if they have another version now, StoreError."""
        ...


PEOPLE: web.AppKey[PeopleService] = web.AppKey("people")
EXAMINER: web.AppKey[Examiner | None] = web.AppKey("examiner")
RECOGNITION_SWITCH: web.AppKey[RecognitionSwitch | None] = web.AppKey("recognition_switch")
ACCEPTANCE_WALK: web.AppKey[AcceptanceWalk | None] = web.AppKey("acceptance_walk")
AREAS: web.AppKey[Areas | None] = web.AppKey("areas")


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


def require_areas(app: web.Application) -> Areas:
    """What keeps zones and masks, or ServiceError if this process has no cameras."""
    if (areas := app[AREAS]) is None:
        raise ServiceError("this process has no cameras: use the running service")
    return areas
