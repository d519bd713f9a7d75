"""Guides the walk before a live camera in a terminal, step by step: stand here, turn, walk across, go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.app.commission.distances import SpokenDistance
from edge.app.commission.findings import MIN_SIGHTINGS
from edge.app.commission.session import WalkSession
from edge.app.commission.walk import DAY
from edge.capture.camera import Camera
from edge.config import CameraConfig
from edge.errors import CameraError
from edge.records import CameraState

FIRST_FRAME_S = 15.0
STATIONS_M = (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
STATION_S = 20.0


@dataclass(frozen=True, slots=True)
class TerminalGuide:
    """Output of the walk: `ask` shows an instruction and returns once it is followed, `tell` shows a result."""

    ask: Callable[[str], None]
    tell: Callable[[str], None]


def guide_walk(
    made: WalkSession,
    camera: CameraConfig,
    guide: TerminalGuide,
    *,
    stations: Sequence[float] = STATIONS_M,
    lights: Sequence[str] = (DAY,),
    seconds: float = STATION_S,
) -> None:
    """Measure at every station in every light; raises CameraError where no frame comes."""
    station = SpokenDistance()
    made.distances = station
    with Camera(camera) as live:
        if live.newest(FIRST_FRAME_S) is None:
            raise CameraError(f"camera {camera.name} gives no frame: {live.health().detail}")
        for light in lights:
            for metres in stations:
                station.metres = metres
                guide.ask(
                    f"{light.capitalize()}: stand at {metres:g} m alone, look at the camera, turn the head slowly to "
                    "both sides, then walk across the picture from left to right"
                )
                guide.tell(_measure_station(made, live, station, light, seconds))


def _measure_station(made: WalkSession, live: Camera, station: SpokenDistance, light: str, seconds: float) -> str:
    """Measure frames for some seconds and return the result in words."""
    made.walk.begin_segment()
    before, frames = len(made.walk.sightings), 0
    started = time.monotonic()
    while (at_s := time.monotonic() - started) < seconds:
        frame = live.newest(0.2)
        if frame is not None:
            frames += 1
            made.size = (frame.image.shape[1], frame.image.shape[0])
            made.walk.add_frame(frame.image, station.metres * 1000 + at_s, station, light=light)
        elif live.health().state is CameraState.ENDED:
            break
    seen = made.walk.sightings[before:]
    rows = [row for row in made.findings().rows if row.light == light and row.metres == round(station.metres)]
    told = f"{station.metres:g} m: {len(seen)} faces in {frames} frames"
    if not rows or rows[0].count < MIN_SIGHTINGS:
        return f"{told}: too few to judge; is the face visible, and is nobody else there?"
    row = rows[0]
    return f"{told}, {row.eye_px:.0f} px between the eyes, similarity {row.similarity:.2f}: {row.why}"
