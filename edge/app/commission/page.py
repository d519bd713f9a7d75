"""The acceptance walk from the page: measures frames of the running vision thread while live recognition goes on."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from edge import durable
from edge.app.build import Models
from edge.app.commission.distances import SpokenDistance
from edge.app.commission.findings import MIN_SIGHTINGS
from edge.app.commission.session import WalkSession, keep_accepted
from edge.app.commission.terminal import STATION_S
from edge.app.people.sheets import FOLDER
from edge.config import Config
from edge.errors import ConflictError, StoreError
from edge.pipeline import FrameResult
from edge.records import Frame
from edge.serve.ports import CommissionView, StationView
from edge.store import Store

ONE_IN = 10_000.0
"""The proposed limit lets at most one stranger in so many through, as `edge watchlist calibrate` does."""


class FrameSource(Protocol):
    """The running vision thread: shows each processed frame to its observer."""

    observer: Callable[[Frame, FrameResult], None] | None


class PageWalk:
    """`edge.serve.ports.AcceptanceWalk` over the vision thread.

    There is one walk at a time; it stays in memory until its sheet is written.
    """

    def __init__(
        self, config: Config, models: Models, store: Store, vision: FrameSource, *, seconds: float = STATION_S
    ) -> None:
        self._config, self._models, self._store, self._vision = config, models, store, vision
        self._seconds = seconds
        self._session: WalkSession | None = None
        self._station = SpokenDistance()
        self._camera, self._light = "", "day"
        self._until = 0.0
        self._sheet: Path | None = None

    def view(self) -> CommissionView:
        """Return how far the walk is, with the findings so far."""
        made = self._session
        if made is None:
            return CommissionView(state="idle" if self._sheet is None else "done")
        left = self._until - time.monotonic()
        found = made.findings((self._light, round(self._station.metres)) if left > 0 else None)
        stations = tuple(
            StationView(
                row.light,
                row.metres or 0,
                row.count,
                row.eye_px,
                row.sharpness,
                row.luma,
                row.similarity,
                row.is_recognised,
                "" if row.is_recognised else row.why,
                row.is_judged,
            )
            for row in found.rows
        )
        return CommissionView(
            state="measuring" if left > 0 else "ready",
            camera=self._camera,
            person_id=made.walk.person_id,
            light=self._light,
            metres=self._station.metres,
            seconds_left=max(left, 0.0),
            stations=stations,
            sentence=found.sentence if stations else "",
            false_alerts=found.limits.expected_false_alerts,
            limit=found.limits.min_similarity,
            proposed_limit=self._proposed_limit(made, found.limits.kind),
            proposed_one_in=ONE_IN,
            is_unseen=left <= 0 < self._station.metres and self._frames_here(made) < MIN_SIGHTINGS,
        )

    def _frames_here(self, made: WalkSession) -> int:
        return made.walk.frames_at[self._light, round(self._station.metres)]

    @staticmethod
    def _proposed_limit(made: WalkSession, kind: str) -> float | None:
        calibration = made.walk.active_list.calibration
        limit = None if calibration is None else calibration.thresholds(ONE_IN).get(kind)
        return limit if limit is not None and limit < 1.0 else None

    async def begin(self, camera: str, person_id: str) -> None:
        """Start a new walk with this walker."""
        made = await asyncio.to_thread(WalkSession, self._config, self._models, self._store, person_id)
        self._station = SpokenDistance()
        made.distances = self._station
        self._camera, self._light, self._until = camera, "day", 0.0
        self._session = made
        self._vision.observer = self._observe_frame

    async def measure(self, metres: float, light: str) -> None:
        """Measure the frames of the next seconds."""
        if self._session is None:
            raise ConflictError("no walk has begun: say first who walks")
        if time.monotonic() < self._until:
            raise ConflictError("a station is being measured: wait until its time is over")
        self._station.metres, self._light = metres, light
        self._session.walk.begin_segment()
        self._until = time.monotonic() + self._seconds

    async def finish(self, by: str, language: str) -> None:
        """Sign the sheet in that language, store it in the data directory, and audit who did it."""
        if self._session is None:
            raise ConflictError("no walk has begun: there is nothing to finish")
        if self._store.person(self._session.walk.person_id) is None:
            await self.cancel()
            raise ConflictError("the walker was erased meanwhile: begin a new walk with somebody who is on the list")
        findings, data = await asyncio.to_thread(self._session.finish, self._camera, language)
        path = await asyncio.to_thread(self._store_sheet, data)
        await asyncio.to_thread(keep_accepted, self._config, self._camera, findings)
        detail = {"camera": self._camera, "sentence": findings.sentence}
        await asyncio.wrap_future(self._store.audit(by, "commission.sheet", f"camera {self._camera}", detail))
        self._sheet = path
        await self.cancel()

    async def cancel(self) -> None:
        """Drop the walk; a signed sheet stays."""
        self._vision.observer = None
        self._session, self._until = None, 0.0

    def sheet(self) -> bytes | None:
        """The sheet that was signed last, while the service runs; as kept, since an erasure may have changed it."""
        try:
            return None if self._sheet is None else self._sheet.read_bytes()
        except FileNotFoundError:
            return None

    def _observe_frame(self, frame: Frame, result: FrameResult) -> None:
        """Receive a processed frame; called on the vision thread."""
        made = self._session
        if made is None or frame.camera != self._camera or time.monotonic() >= self._until:
            return
        if not result.is_searched:  # paused meanwhile: that nobody was found says nothing of the camera
            return
        made.size = (frame.image.shape[1], frame.image.shape[0])
        at_s = frame.captured_mono_ns / 1e9
        made.walk.add_frame(frame.image, at_s, self._station, light=self._light, found=result.detections)

    def _store_sheet(self, data: bytes) -> Path:
        folder = self._config.data_dir / FOLDER
        path = folder / f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}-{self._camera}.html"
        try:
            folder.mkdir(exist_ok=True)
            durable.replace(path, data)
        except OSError as error:
            raise StoreError(f"{path}: the sheet can't be kept ({error.strerror}); free some space") from None
        return path
