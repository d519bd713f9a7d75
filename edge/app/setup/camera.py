"""A short look at a camera before it is written down, as the service would open it: in a process that may hang."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from edge.capture.address import SCHEMES, parse_source
from edge.capture.camera import Camera
from edge.capture.health import AGAIN
from edge.config import CameraConfig
from edge.errors import CameraError
from edge.records import CameraHealth, CameraState

FIRST_FRAME_S = 30.0
LOST_S = 5.0
"""Seconds after which a camera that was found to be lost is given up; it was tried again in that time."""
DEVICES = Path("/dev")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a camera gave: size of its frames in px."""

    width: int
    height: int


def look(name: str, source: str, within_s: float = FIRST_FRAME_S) -> Seen:
    """Wait for the first frame of `source`. ConfigError for an address that is none, CameraError where none comes."""
    settings = CameraConfig(name=name, source=source)
    shown = parse_source(settings).shown
    with Camera(settings) as camera:
        started = time.monotonic()
        ends, lost_at = started + within_s, float("inf")
        frame = camera.newest(timeout_s=0.5)
        while frame is None and time.monotonic() < ends:
            lost_at = min(lost_at, time.monotonic()) if camera.health().state is CameraState.LOST else float("inf")
            ends = min(ends, lost_at + LOST_S)
            frame = camera.newest(timeout_s=0.5)
        if frame is None:
            raise CameraError(_refusal(shown, camera.health(), time.monotonic() - started))
        height, width = frame.image.shape[:2]
    return Seen(width, height)


def _refusal(shown: str, health: CameraHealth, waited_s: float) -> str:
    """Why there was no picture; a lost camera says itself what to check."""
    told = health.detail.removeprefix(f"{shown}: ").removesuffix(f". {AGAIN}")
    if health.state is CameraState.LOST:
        is_named = told.startswith(shown.partition(":")[2])  # a path or device, said without its kind
        return told if is_named else f"{shown}: {told}"
    return f"{shown}: no picture in {waited_s:.0f} s: {told}; check address, cable, user name and password"


def is_recorded(source: str) -> bool:
    """Whether a source is a file or folder, which is played again and again."""
    return source.partition(":")[0].lower() in ("file", "folder")


def completed(source: str) -> str:
    """The source as a setting takes it: a path gets its scheme, that of a recording begins at the root.

    The service may start in another folder than the one in which the path was typed.
    """
    scheme, _, rest = source.partition(":")
    if is_recorded(source):
        return f"{scheme}:{Path(rest).expanduser().resolve()}" if rest else source
    if scheme.lower() in SCHEMES:
        return source
    path = Path(source).expanduser()
    if source.startswith("/dev/video"):
        return f"v4l2:{source}"
    if path.is_dir():
        return f"folder:{path.resolve()}"
    return f"file:{path.resolve()}" if path.is_file() else source


def proposed(devices: Path = DEVICES) -> str:
    """The first video device there is; empty where there is none."""
    found = sorted(devices.glob("video*"), key=lambda path: (len(path.name), path.name))
    return f"v4l2:{found[0]}" if found else ""
