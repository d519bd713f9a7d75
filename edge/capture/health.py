"""Judges a camera's state and words the advice. Pure: times and reports are passed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge.capture.ring import Phase, Sight
from edge.records import CameraState

SIGHT_ADVICE: Mapping[CameraState, str] = {
    CameraState.COVERED: "something covers the lens, hardly anything is seen; check the camera",
    CameraState.DEFOCUSED: "the picture has lost its fine detail; clean and focus the lens",
    CameraState.MOVED: "the view has changed; check whether the camera was turned",
    CameraState.WASHED_OUT: "most of the picture is white; look for a lamp or the sun in front of the lens",
    CameraState.FROZEN: "the same picture comes again and again, whatever its clock shows; restart the camera",
}
"""States that say whether the scene is still seen, with what to do."""
LOOP_ADVICE = (
    "the stream plays the same seconds or minutes again and again; look at the place yourself and restart the camera"
)
BAD_STATES = frozenset({CameraState.STALLED, CameraState.DARK, CameraState.LOST, *SIGHT_ADVICE})

_STARTING_LIMIT_S = 20.0
_OPENING_LIMIT_S = 10.0
_LOST_AFTER_FAILURES = 3


@dataclass(frozen=True, slots=True)
class HealthLimits:
    """Times after which a camera counts as faulty."""

    stall_after_s: float
    """Seconds without a frame until the child is killed."""
    frozen_after_s: float = 10.0
    """Seconds of exactly the same picture until the camera counts as frozen."""
    dark_after_s: float = 5.0
    """Seconds of a dark picture until the camera counts as dark."""


@dataclass(frozen=True, slots=True)
class CaptureReport:
    """What is known of a camera at one moment."""

    phase: Phase
    beat_age_s: float
    """Seconds since the child's last sign of progress."""
    has_had_frames: bool
    unchanged_s: float
    dark_s: float
    text: str
    """The fault that the child reports; empty without one."""
    why: str
    """Why the last child ended."""
    failures: int
    """Children lost in a row."""
    is_running: bool
    """False between two children."""
    sight: CameraState | None = None
    """What keeps the scene from being seen, one of `SIGHT_ADVICE`; None while nothing does."""
    is_looped: bool = False
    """Whether `sight` is frozen because the stream repeats itself."""
    silence_s: float = 0.0
    """Seconds that the source may be silent, where it sends more slowly than the limits suppose."""


def seen_as(sight: Sight) -> CameraState | None:
    """The state that the child's word for the scene stands for, None where all is well."""
    if sight is Sight.CLEAR:
        return None
    return CameraState.FROZEN if sight is Sight.LOOPED else CameraState[sight.name]


def is_hung(report: CaptureReport, limits: HealthLimits) -> bool:
    """True when the child shows no progress for longer than what it does may take."""
    if report.phase == Phase.STARTING:
        # A busy box may need longer: killed at the same age again and again, a child would never get there.
        return report.beat_age_s > _STARTING_LIMIT_S * 2.0 ** min(report.failures, 3)
    if report.phase == Phase.OPENING:
        return report.beat_age_s > max(_OPENING_LIMIT_S, limits.stall_after_s, report.silence_s)
    return report.phase != Phase.ENDED and report.beat_age_s > max(limits.stall_after_s, report.silence_s)


AGAIN = "It is tried again every few seconds"


def state_of(report: CaptureReport, limits: HealthLimits, shown: str) -> tuple[CameraState, str]:
    """State and sentence for one report; `shown` is the camera's address as people may see it."""
    if report.phase == Phase.ENDED:
        return CameraState.ENDED, report.text
    if report.is_running and report.phase == Phase.STREAMING and not is_hung(report, limits):
        return _state_of_picture(report, limits)
    if report.phase != Phase.STREAMING and report.text:
        return CameraState.LOST, f"{report.text}. {AGAIN}"
    why = report.why or f"{shown}: gives no frames; check its power and cable"
    if report.failures >= _LOST_AFTER_FAILURES or (report.failures and not report.has_had_frames):
        return CameraState.LOST, f"{why}. {AGAIN}"
    if report.has_had_frames:
        return CameraState.STALLED, f"{why}. Capture is being restarted"
    return CameraState.STARTING, f"{shown}: is being opened"


def _state_of_picture(report: CaptureReport, limits: HealthLimits) -> tuple[CameraState, str]:
    if report.dark_s > limits.dark_after_s:
        return CameraState.DARK, (
            f"the picture has been dark for over {limits.dark_after_s:g} s; check the lens, its cover and the light"
        )
    if report.unchanged_s > limits.frozen_after_s:
        return CameraState.FROZEN, (
            f"the picture has not changed at all for over {limits.frozen_after_s:g} s; restart the camera"
        )
    if report.sight is not None:
        return report.sight, LOOP_ADVICE if report.is_looped else SIGHT_ADVICE[report.sight]
    return CameraState.LIVE, report.text or "frames arrive"
