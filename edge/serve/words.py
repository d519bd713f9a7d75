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
    return str(name).replace("_", " ")


def doubts(hit: Hit) -> list[str]:
    """Reasons why this possible match may be wrong, from the hit's own measurements."""
    reasons = []
    quality = hit.quality
    if isinstance(eyes := quality.get("eye_distance_px"), int | float) and eyes < 24:
        reasons.append(f"The face is small: {eyes:.0f} px between the eyes.")
    if isinstance(yaw := quality.get("yaw_deg"), int | float) and abs(yaw) > 25:
        reasons.append(f"The head is turned by about {abs(yaw):.0f} degrees.")
    if isinstance(luma := quality.get("luma"), int | float) and luma < 0.2:
        reasons.append("The face is dark.")
    parts = quality.get("parts")
    if isinstance(parts, Mapping) and isinstance(sharp := parts.get("sharpness"), int | float) and sharp < 0.5:
        reasons.append("The face is not sharp.")
    if hit.runner_up_id is not None and hit.margin < 0.12:
        reasons.append(f"Another person on the list is nearly as alike (lead of {hit.margin:.2f}).")
    if hit.similarity_enhanced is not None and hit.similarity_original < hit.similarity_enhanced - 0.1:
        reasons.append("The likeness rests on the enhanced picture; the picture as found is less alike.")
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
    "doubts": doubts,
    "troubles": troubles,
}
