"""What the page says: states, times and numbers in words. Pure functions from records to text, for the templates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edge.records import CameraHealth, CameraState, Hit
from edge.store import time_to_text

STATES: Mapping[CameraState, tuple[str, str, str]] = {
    CameraState.STARTING: ("wait", "Starting", "Wait a few seconds. If it stays so, check that the camera has power."),
    CameraState.LIVE: ("calm", "Live", ""),
    CameraState.STALLED: (
        "fault",
        "No new picture",
        "It is being restarted. If this lasts, check the cable or network.",
    ),
    CameraState.FROZEN: (
        "fault",
        "Picture frozen",
        "The same picture comes again and again: switch the camera off and on.",
    ),
    CameraState.DARK: ("wait", "Too dark to see faces", "Check the lighting, and that nothing covers the lens."),
    CameraState.LOST: ("fault", "Camera lost", "Check power, cable and address; the box keeps trying."),
    CameraState.ENDED: (
        "wait",
        "Recording has ended",
        "The played file is over: restart the service to play it again.",
    ),
}
"""Tone, words and what to do, per camera state."""

REVIEWS: Mapping[str, str] = {
    "new": "Not reviewed",
    "acknowledged": "Seen",
    "confirmed": "Confirmed",
    "rejected": "Rejected",
}

NAMES: Mapping[str, str] = {
    "db_bytes": "database",
    "wal_bytes": "write-ahead log",
    "free_bytes": "free disk",
    "image_bytes": "size of the pictures",
    "images": "pictures",
    "references": "enrolled pictures",
    "queue_depth": "writes waiting",
    "head_seq": "last number of the feed",
    "hits_waiting": "hits still to store",
    "frames": "frames processed",
    "luma": "brightness",
    "yaw_deg": "head turned",
    "eye_distance_px": "between the eyes",
    "num_shots": "pictures compared",
}
"""Field names that need better words than their own."""

PART_DOUBTS: Mapping[str, str] = {
    "size": "The face is small in the picture.",
    "sharpness": "The face is not sharp.",
    "luma": "The face is too dark or too bright.",
    "noise": "The picture is noisy.",
    "pose": "The head is turned away.",
}
LOW_PART = 0.5
CLOSE_MARGIN = 0.12


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong with the box: how urgent, what, and what to do."""

    tone: str
    what: str
    advice: str


def clock(time: dt.datetime) -> str:
    """Write a time for eyes; the page's script turns it into the reader's own time zone."""
    return time.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def tone(health: CameraHealth) -> str:
    """How urgent a camera's state is: calm, wait or fault."""
    return STATES[health.state][0]


def state(health: CameraHealth) -> str:
    """A camera's state in words."""
    return STATES[health.state][1]


def advice(health: CameraHealth) -> str:
    """What to do about a camera's state; empty when there is nothing to do."""
    return STATES[health.state][2]


def review(hit: Hit) -> str:
    """State of a hit's review in words."""
    return REVIEWS.get(str(hit.review.get("state", "new")), str(hit.review.get("state")))


def decimals(value: object, places: int = 2) -> str:
    """A number for eyes, a dash for none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.{places}f}"


def short(sha256: object) -> str:
    """The first digits of a hash; enough to compare by eye."""
    return str(sha256)[:12] if sha256 else "–"


def plain(name: object) -> str:
    """A record's field name as words."""
    text = NAMES.get(str(name)) or str(name).replace("_", " ")
    return text[:1].upper() + text[1:]


def measure(value: object, name: str) -> str:
    """A measured value with the unit that its field name tells."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return decimals(value)
    if name.endswith("_bytes"):
        return _bytes(value)
    for suffix, unit in (("_px", " px"), ("_deg", "°"), ("_ms", " ms"), ("_s", " s")):
        if name.endswith(suffix):
            return f"{value:,.0f}{unit}"
    return f"{value:.0f} of 100" if name == "score" else decimals(value)


def _bytes(value: float) -> str:
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "bytes" or value >= 100 else f"{value:.1f} {units[0]}"


def doubts(hit: Hit) -> list[str]:
    """Reasons why this possible match may be wrong, from the hit's own measurements."""
    parts = hit.quality.get("parts")
    low = {name for name, value in parts.items() if value < LOW_PART} if isinstance(parts, Mapping) else set()
    reasons = [words for name, words in PART_DOUBTS.items() if name in low]
    if hit.runner_up_id is not None and hit.margin < CLOSE_MARGIN:
        reasons.append(f"Another person on the list is nearly as alike (a lead of {hit.margin:.2f}).")
    if hit.similarity > hit.similarity_original + 0.1:
        reasons.append("The likeness rests on the enhanced picture; the face as found is less alike.")
    if hit.similarity_enhanced is not None and hit.similarity_enhanced < hit.similarity_original - 0.1:
        reasons.append("After enhancement the face is less alike than as found.")
    if not hit.clock.get("synced", True):
        reasons.append("The box's clock was not synchronised: the time may be wrong.")
    return reasons


def troubles(box: Mapping[str, Any]) -> list[Trouble]:
    """What is wrong with the box, by what it tells of itself; empty when it works."""
    found = []
    if problem := box.get("store_problem"):
        found.append(Trouble("fault", "can't store hits", f"They wait in memory. {problem}"))
    elif waiting := box.get("hits_waiting"):
        found.append(
            Trouble("wait", f"has {waiting} hits still to store", "Wait a moment. If this lasts, check the disk.")
        )
    return found


FILTERS: Mapping[str, Callable[..., Any]] = {
    "rfc3339": time_to_text,
    "clock": clock,
    "tone": tone,
    "state": state,
    "advice": advice,
    "review": review,
    "decimals": decimals,
    "short": short,
    "plain": plain,
    "measure": measure,
    "doubts": doubts,
    "troubles": troubles,
}
