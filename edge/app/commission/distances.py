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
    """Tells a distance for each sighting."""

    def at(self, at_s: float, eye_px: float, yaw_deg: float) -> float | None:
        """Metres, or None where the distance can't be worked out."""

    def describe(self) -> str:
        """How distances were worked out, for the sheet."""


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

    def describe(self) -> str:
        """For the sheet."""
        told = ", ".join(f"{metres:g} m at {at:g} s" for at, metres in self.marks)
        return f"by marks: {told}" + ("; standing between them" if self.steps else "; walking evenly between them")


@dataclass(frozen=True, slots=True)
class Pinhole:
    """distance = focal length x eye distance / eyes in the picture, after undoing the turn of the head."""

    focal_px: float
    source: str

    @classmethod
    def of(cls, width: int, *, focal_px: float | None = None, hfov_deg: float | None = None) -> Pinhole:
        """From a focal length in px, a horizontal field of view, or an assumed one, which the sheet then says."""
        if focal_px is not None:
            return cls(focal_px, f"focal length {focal_px:.0f} px as given")
        angle = ASSUMED_HFOV_DEG if hfov_deg is None else hfov_deg
        if not 1 < angle < 179:
            raise ImageError(f"no lens has a field of view of {angle:g} degrees; give 10 to 170")
        focal = width / 2 / math.tan(math.radians(angle) / 2)
        word = "assumed" if hfov_deg is None else "given"
        return cls(focal, f"focal length {focal:.0f} px from an {word} field of view of {angle:g} degrees")

    def at(self, at_s: float, eye_px: float, yaw_deg: float) -> float | None:
        """Distance by the eyes alone; None for a head turned further than `MAX_YAW_DEG`."""
        if eye_px < 1 or abs(yaw_deg) > MAX_YAW_DEG:
            return None
        return self.focal_px * EYE_DISTANCE_M / (eye_px / math.cos(math.radians(yaw_deg)))

    def describe(self) -> str:
        """For the sheet."""
        return f"by the pinhole model: {self.source}, eyes {EYE_DISTANCE_M * 1000:.0f} mm apart (people differ by 6 %)"


@dataclass(slots=True)
class SpokenDistance:
    """The distance at which the walker of a live walk stands, as the guide asked for it."""

    metres: float = 0.0

    def at(self, at_s: float, eye_px: float, yaw_deg: float) -> float | None:
        """As said."""
        return self.metres or None

    def describe(self) -> str:
        """For the sheet."""
        return "by marks on the floor, station by station"
