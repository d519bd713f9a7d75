"""Opens any source for some seconds and says what it is: for those who set up a camera. Nothing is kept but a still."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from edge import credentials, mistakes
from edge.arrays import BgrImage
from edge.capture.address import SCHEMES, parse_source
from edge.capture.masks import paint_masks
from edge.capture.network.refusals import authentication_of
from edge.capture.sources import FrameSource, open_source
from edge.config import CameraConfig, Config
from edge.errors import CameraError, ConfigError, StoreError
from edge.names import printable
from edge.pixels.encode import to_png

BLACK_BELOW = 12
"""Brightest value of a picture that shows nothing."""


def find_camera(config: Config, source: str, **settings: Any) -> CameraConfig:
    """The configured camera of this name, or one for an address or a file's path, with `settings` laid over it.

    Raises ConfigError for a setting that can't be.
    """
    if not source.strip():
        raise ConfigError("no source is given: write an address such as rtsp://host/path, a file, or a camera's name")
    changes = {name: value for name, value in settings.items() if value is not None}
    named = {camera.name: camera.model_dump() for camera in config.camera}
    is_path = source.partition(":")[0].lower() not in SCHEMES and (":" not in source or Path(source).exists())
    if is_path and source not in named and os.sep not in source and not os.path.lexists(source):
        names = ", ".join(named) or "none"
        raise ConfigError(
            f"{printable(source)}: no camera of that name is configured ({names}), nor is there such a file here; "
            "write an address such as rtsp://host/path, a file, or a camera's name"
        )
    address = f"{'folder' if Path(source).is_dir() else 'file'}:{source}" if is_path else source
    try:
        return CameraConfig.model_validate(named.get(source, {"name": "test", "source": address}) | changes)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{first['loc'][0]}: {mistakes.said(first, CameraConfig)}; correct that option") from None


def survey(camera: CameraConfig, seconds: float, still: Path) -> dict[str, Any]:
    """Watch the source for so many seconds of its own, write one picture to `still`, and return what was found.

    Raises what opening raises, and CameraError where no picture comes.
    """
    address = parse_source(camera)
    with open_source(camera) as source:
        image, seen = _watch(source, address.is_recorded, seconds)
        facts = getattr(source, "facts", None)
    if image is None:
        raise CameraError(f"{address.shown}: gave no picture in {seconds:g} s; check its power, cable and settings")
    image = image.copy()
    paint_masks(image, camera.masks, camera.mask_polygons)
    _write(still, to_png(image))
    height, width = image.shape[:2]
    is_network = address.scheme in ("rtsp", "rtsps", "http", "https")
    return {
        "source": printable(address.shown),
        "frame_width": width,
        "frame_height": height,
        **seen,
        "stream": None if facts is None else dataclasses.asdict(facts),
        "authentication": (
            authentication_of(credentials.fill(address.target), camera.open_timeout_s) if is_network else None
        ),
        "is_black": int(image.max()) < BLACK_BELOW,
        "bad_frames": source.bad_frames,
        "problem": source.problem,
        "still": printable(still),
    }


def _watch(source: FrameSource, is_recorded: bool, seconds: float) -> tuple[BgrImage | None, dict[str, Any]]:
    """The brightest picture of the ones seen, and their number and rate. Time counts from the first picture on."""
    best: BgrImage | None = None
    count, first_s, last_s, light = 0, 0.0, 0.0, -1.0
    for frame in source.frames():
        at_s = frame.media_s if is_recorded and frame.media_s is not None else time.monotonic()
        first_s = at_s if count == 0 else first_s
        count, last_s = count + 1, at_s
        if (mean := float(frame.image.mean())) > light:
            best, light = frame.image.copy(), mean
        if last_s - first_s >= seconds:
            break
    span_s = last_s - first_s
    return best, {"frames": count, "seconds": round(span_s, 3), "fps": (count - 1) / span_s if span_s > 0 else None}


def _write(still: Path, data: bytes) -> None:
    try:
        still.write_bytes(data)
    except OSError as error:
        raise StoreError(
            f"{printable(still)}: can't be written ({error.strerror}); give another file with --still"
        ) from None
