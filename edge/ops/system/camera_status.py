"""What the service saw at each camera of late, as a small file beside the data: for `edge doctor`, while it runs.

Counts and measurements of pictures only: no name, no face, no embedding is ever in it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "status.json"
FRESH = dt.timedelta(seconds=90)

_WORDS: Mapping[str, tuple[str, str | None]] = {
    "match": ("recognised", None),
    "usable": ("usable", None),
    "no_match": ("like nobody on the list", None),
    "below_margin": ("between two people on the list", None),
    "cooldown": ("recognised before", None),
    "masked": ("under a privacy mask", None),
    "expired_entry": ("of an expired entry", None),
    "low_score": ("hardly a face", None),
    "too_small": ("too small", "bring people closer, zoom in, or ask the camera for a larger picture"),
    "blur": ("blurred", "focus the lens; against motion, shorten the exposure and add light"),
    "pose": ("turned away", "mount the camera where people look towards it, near head height"),
    "edge": ("cut by the edge of the picture", "turn the camera so that people are seen whole"),
    "exposure": ("badly lit", "light the faces from the front, and avoid a bright background"),
    "too_few_shots": ("seen too briefly", "let people stay in view longer, or check that frames are not dropped"),
}
_PARTS = {"sharpness": "blur", "luma": "exposure", "noise": "exposure", "pose": "pose", "size": "too_small"}


@dataclass(frozen=True, slots=True)
class CameraLook:
    """One camera: its state, rate, light (mean luma 0..1) and sharpness, and outcomes of faces over `span`."""

    name: str
    state: str
    detail: str
    width: int
    height: int
    fps: float
    luma: float
    sharpness: float
    faces: Mapping[str, int]
    span: str


def words_of(outcome: str) -> tuple[str, str | None]:
    """An outcome in words, and what an installer does against it; None where the face was usable."""
    if outcome.startswith("part_"):
        outcome = _PARTS.get(outcome.removeprefix("part_"), "blur")
    return _WORDS.get(outcome, (outcome.replace("_", " "), None))


def write_looks(data_dir: Path, looks: Sequence[CameraLook], now: dt.datetime) -> None:
    """Replace the file; OSError where the disk does not take it."""
    path = data_dir / FILE
    part = path.with_suffix(".part")
    body = {"at": now.isoformat(), "cameras": [asdict(look) for look in looks]}
    part.write_text(json.dumps(body), "utf-8")
    part.replace(path)


def read_looks(data_dir: Path, now: dt.datetime) -> list[CameraLook] | None:
    """What a service that is alive wrote; None where there is none, or it is too old."""
    try:
        body = json.loads((data_dir / FILE).read_text("utf-8"))
        at = dt.datetime.fromisoformat(body["at"])
        if not dt.timedelta(0) <= now - at + dt.timedelta(seconds=5) <= FRESH:
            return None
        return [CameraLook(**look) for look in body["cameras"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
