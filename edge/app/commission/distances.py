"""How far away the walker was: by marks on the floor and times, or by the pinhole model from the eyes' distance."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Protocol

from edge.errors import ImageError

EYE_DISTANCE_M = 0.063
"""Mean distance between adult pupils. People differ by about 6 %, and so do the distances computed from it."""
ASSUMED_HFOV_DEG = 60.0
MAX_YAW_DEG = 50.0


class DistanceSource(Protocol):
    """Gives the distance of each sighting."""

    def at(self, at_s: float, eye_px: float, yaw_deg: float) -> float | None:
        """Metres, or None where the distance can't be worked out."""

    def walked(self, at_s: float) -> float | None:
        """Metres at which the walker was, whether a face was found or not; None where only a face tells."""


@dataclass(frozen=True, slots=True)
class Marks:
    """(seconds, metres) in order of time. Between two marks the walker moves evenly, or with `steps` stands still."""

    marks: tuple[tuple[float, float], ...]
    steps: bool = False

    @classmethod
    def parse(cls, text: str, *, steps: bool = False) -> Marks:
        """Read `0=8,12.5=2`; raises ImageError."""
        try:
            pairs = [tuple(float(part) for part in one.split("=")) for one in text.split(",")]
            marks = tuple(sorted((at, metres) for at, metres in pairs))
            if not all(math.isfinite(at) and 0 < metres < 1000 for at, metres in marks):
                raise ValueError
        except ValueError:
            raise ImageError(f"{text[:80]!r} are not marks: give seconds=metres, such as 0=8,12=2") from None
        return cls(marks, steps)

    def at(self, at_s: float, eye_px: float, yaw_deg: float) -> float | None:
        """Interpolate by time. Returns None before the first mark, and after the last one unless `steps` is set."""
        times = [at for at, _ in self.marks]
        index = bisect_right(times, at_s) - 1
        if index < 0:
            return None
        start, here = self.marks[index]
        if self.steps:
            return here
        if index + 1 == len(self.marks):
            return here if at_s == start else None
        end, there = self.marks[index + 1]
        return here + (there - here) * (at_s - start) / (end - start)

    def walked(self, at_s: float) -> float | None:
        """As for a face."""
        return self.at(at_s, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Pinhole:
    """distance = focal length x eye distance / eyes in the picture, after undoing the turn of the head."""

    focal_px: float
    hfov_deg: float | None = None
    """The field of view that it was computed from; None where the focal length was given."""
    is_assumed: bool = False

    @classmethod
    def of(cls, width: int, *, focal_px: float | None = None, hfov_deg: float | None = None) -> Pinhole:
        """Build from a focal length in px or a field of view; without either, assume one and say so on the sheet."""
        if focal_px is not None:
            return cls(focal_px)
        angle = ASSUMED_HFOV_DEG if hfov_deg is None else hfov_deg
        if not 1 < angle < 179:
            raise ImageError(f"no lens has a field of view of {angle:g} degrees; give 10 to 170")
        focal = width / 2 / math.tan(math.radians(angle) / 2)
        return cls(focal, angle, is_assumed=hfov_deg is None)

    def at(self, at_s: float, eye_px: float, yaw_deg: float) -> float | None:
        """Return the distance by the eyes; None for a head turned further than `MAX_YAW_DEG`."""
        if eye_px < 1 or abs(yaw_deg) > MAX_YAW_DEG:
            return None
        return self.focal_px * EYE_DISTANCE_M / (eye_px / math.cos(math.radians(yaw_deg)))

    def walked(self, at_s: float) -> float | None:
        """None: without a face nothing tells the distance."""
        return None


@dataclass(slots=True)
class SpokenDistance:
    """The distance at which the walker of a live walk stands, as the guide asked for it."""

    metres: float = 0.0

    def at(self, at_s: float, eye_px: float, yaw_deg: float) -> float | None:
        """The distance given."""
        return self.metres or None

    def walked(self, at_s: float) -> float | None:
        """The distance given."""
        return self.metres or None
