"""Whether faces change over weeks: smaller, darker, blurrier or fewer than at commissioning and in the first week.

Holds medians and counts of whole days, never a face. `faces.json` in the data directory keeps them over restarts;
without that file a first week begins anew, and so it does after an acceptance walk: the camera was set up then.
`faces-today.json` keeps what the day has so far, so that a box which is restarted each night has whole days, too.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import statistics
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from edge import state_file
from edge.app.health.accepted import Accepted, read_accepted
from edge.app.health.checks import OK
from edge.records import Quality

log = logging.getLogger(__name__)

FILE = "faces.json"
TODAY = "faces-today.json"
KEEP_EVERY = dt.timedelta(minutes=15)
MAX_AWAY = dt.timedelta(hours=1)
"""A service that was away for longer has missed too much of a day for it to be a whole one."""
FIRST_DAYS = 7
MIN_FACES = 20
"""Faces of a day, and of the first week's middle day, with which they are compared."""
MAX_FACES = 2000
"""Faces of a day that are measured; more are only counted."""
NOTABLE = 0.25
NOTABLE_FEWER = 0.6
"""Share by which a day falls short before it is said; the number of people differs far more by day than their size."""
_WORDS = (
    ("size_px", "smaller", NOTABLE, "has the camera moved?"),
    ("luma", "darker", NOTABLE, "is a lamp out?"),
    ("sharpness", "blurrier", NOTABLE, "is the lens dirty or out of focus?"),
)


@dataclass(frozen=True, slots=True)
class FaceDay:
    """One day of a camera: the number of faces, and medians of the best shot of each."""

    day: str
    count: int
    size_px: float
    """Distance of the eyes."""
    luma: float
    sharpness: float


@dataclass(slots=True)
class _Camera:
    first: list[FaceDay] = field(default_factory=list)
    today: list[tuple[float, float, float]] = field(default_factory=list)
    count: int = 0


@dataclass(frozen=True, slots=True)
class _Counted:
    """The faces of one camera on one day: size, light and sharpness of each, and their number."""

    count: int
    faces: list[tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class _Today:
    """The file of the day."""

    at: str
    day: str
    is_whole: bool
    cameras: dict[str, _Counted]


AS_BEFORE = "faces are as they were before"
FIRST_WEEK = "faces of the first week are being measured"
TOO_FEW = f"too few faces to be compared, {MIN_FACES} a day are needed"
WITH_BOTH = "faces are compared with those at commissioning and in the first week"
WITH_WALK = "faces are compared with those at commissioning; of the first week, {} of 7 days are measured"
WITH_WEEK = "faces are compared with those in the first week"
NOT_YET = "faces are not compared yet: of the first week, {} of 7 days are measured"


def drift_of(first: Sequence[FaceDay], now: FaceDay, accepted: Accepted | None = None) -> list[str]:
    """What is said of a day, such as `faces are 30 % smaller than at commissioning: has the camera moved?`.

    `first` are the days of the first week, none while it lasts. What the walk has said, the week does not say again.
    """
    said = []
    usual = statistics.median(one.count for one in first) if first else 0
    if usual >= MIN_FACES and now.count < usual * (1 - NOTABLE_FEWER):
        said.append(f"{now.count} faces were seen, {usual:g} were usual in the first week: does something hide them?")
    if now.count < MIN_FACES:
        return said
    for name, word, notable, question in _WORDS:
        after = getattr(now, name)
        week = statistics.median(getattr(one, name) for one in first) if usual >= MIN_FACES else 0.0
        walk = 0.0 if accepted is None else getattr(accepted, name)
        if after < walk * (1 - notable):
            said.append(f"faces are {_lost(after, walk)} % {word} than at commissioning: {question}")
        elif after < week * (1 - notable):
            said.append(f"faces are {_lost(after, week)} % {word} than in the first week: {question}")
    return said


def _lost(after: float, before: float) -> str:
    """By how many percent a value is less than before."""
    return str(round(100 * (1 - after / before)))


class FaceDrift:
    """Fed by the vision thread; closed day by day by the health monitor."""

    def __init__(self, data_dir: Path, cameras: Sequence[str], zone: dt.tzinfo | None = None) -> None:
        self._path, self._today = data_dir / FILE, data_dir / TODAY
        self._zone = zone
        self._lock = threading.Lock()
        self._day = ""
        self._is_whole = False
        self._is_changed = False
        self._kept_at: dt.datetime | None = None
        self._cameras = {name: _Camera(first) for name, first in self._read(cameras).items()}
        self.comparisons: dict[str, str] = self._compare()
        """By camera, with what its faces are compared, in words; no older than a quarter of an hour."""

    def note_face(self, camera: str, quality: Quality | None) -> None:
        """Count a face whose track is over; `quality` is that of its best shot, None where it had none."""
        known = self._cameras.get(camera)
        if known is None:
            return
        with self._lock:
            known.count += 1
            if quality is not None and len(known.today) < MAX_FACES:
                known.today.append((quality.eye_distance_px, quality.luma, quality.sharpness))

    def close_day(self, at: dt.datetime) -> tuple[str, str] | None:
        """At the first call of a day, what the last one was like: `changed` or `ok` with a sentence; else None.

        The day on which the service starts is no whole one and is left out, but where it was away for a short time. A
        day with too few faces says nothing: what was said before stands.
        """
        day = at.astimezone(self._zone).date().isoformat()
        if not self._day:
            self._go_on(at)
        if day == self._day:
            if self._kept_at is None or not dt.timedelta() <= at - self._kept_at < KEEP_EVERY:
                self._keep(at)
            return None
        former, was_whole = self._day, self._is_whole
        self._day, self._is_whole = day, bool(former)
        with self._lock:
            days = {name: self._take(former, known) for name, known in self._cameras.items()}
        if not was_whole:
            self._keep(at)
            return None
        found = {name: self._close(name, one) for name, one in days.items()}
        self._write()
        self._keep(at)
        said = [f"{name}: {text}" for name, texts in found.items() for text in texts or ()]
        was_changed, self._is_changed = self._is_changed, bool(said)
        if said:
            return "changed", "; ".join(said)
        # "ok" only where something was compared: a camera that nobody passes says nothing good.
        if any(texts is not None and days[name].count >= MIN_FACES for name, texts in found.items()):
            return OK, AS_BEFORE
        if any(texts is None for texts in found.values()):
            return OK, FIRST_WEEK
        self._is_changed = was_changed
        return None if was_changed else (OK, TOO_FEW)

    def _close(self, name: str, day: FaceDay) -> list[str] | None:
        """Take in a day of one camera; what is said of it, None where there is nothing yet to compare it with."""
        known, accepted = self._cameras[name], read_accepted(self._path.parent, name)
        if accepted is not None:
            walked = accepted.day(self._zone)
            known.first = [one for one in known.first if one.day > walked]
            if day.day <= walked:
                return None
        # Days that are no measure, such as those before a shop opens, would leave all later ones without comparison.
        known.first = [one for one in known.first if one.count >= MIN_FACES]
        if len(known.first) >= FIRST_DAYS:
            return drift_of(known.first, day, accepted)
        if day.count >= MIN_FACES:
            known.first.append(day)
        return None if accepted is None else drift_of((), day, accepted)

    def _compare(self) -> dict[str, str]:
        found = {}
        for name, known in self._cameras.items():
            accepted = read_accepted(self._path.parent, name)
            walked = "" if accepted is None else accepted.day(self._zone)
            days = sum(one.day > walked and one.count >= MIN_FACES for one in known.first)
            if days >= FIRST_DAYS:
                found[name] = WITH_BOTH if accepted else WITH_WEEK
            else:
                found[name] = (WITH_WALK if accepted else NOT_YET).format(days)
        return found

    @staticmethod
    def _take(day: str, known: _Camera) -> FaceDay:
        medians = [round(statistics.median(values), 4) for values in zip(*known.today, strict=True)] or [0.0, 0.0, 0.0]
        taken = FaceDay(day, known.count, *medians)
        known.today, known.count = [], 0
        return taken

    def _read(self, cameras: Sequence[str]) -> dict[str, list[FaceDay]]:
        try:
            stored = state_file.read(self._path, dict[str, list[FaceDay]])
            return {name: stored.get(name, []) for name in cameras}
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            log.warning("%s can't be read (%s); a first week of faces begins anew", self._path, error)
            with contextlib.suppress(OSError):  # by hand something of it may still be saved
                self._path.replace(self._path.with_name(f"{self._path.name}.damaged"))
        return {name: [] for name in cameras}

    def _go_on(self, at: dt.datetime) -> None:
        """Take up the day that was kept, where the service was away for a short time only."""
        try:
            stored = state_file.read(self._today, _Today)
            away = at - dt.datetime.fromisoformat(stored.at)
            if not dt.timedelta() <= away <= MAX_AWAY:
                return
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError) as error:
            log.warning("%s can't be read (%s); the faces of this day are not compared", self._today, error)
            return
        self._day, self._is_whole = stored.day, stored.is_whole
        with self._lock:
            for name, one in stored.cameras.items():
                if (known := self._cameras.get(name)) is not None:
                    known.count += one.count
                    known.today = (one.faces + known.today)[:MAX_FACES]

    def _keep(self, at: dt.datetime) -> None:
        """Write down what the day has so far."""
        with self._lock:
            days = {name: {"count": one.count, "faces": list(one.today)} for name, one in self._cameras.items()}
        self._kept_at, self.comparisons = at, self._compare()
        _replace(self._today, {"at": at.isoformat(), "day": self._day, "is_whole": self._is_whole, "cameras": days})

    def _write(self) -> None:
        _replace(self._path, {name: [asdict(day) for day in known.first] for name, known in self._cameras.items()})


def _replace(path: Path, body: object) -> None:
    """Write a file whole or not at all; what can't be written is logged."""
    part = path.with_suffix(".part")
    try:
        part.write_text(json.dumps(body), "utf-8")
        part.replace(path)
    except OSError as error:
        log.warning("%s can't be written: %s", path, error)
