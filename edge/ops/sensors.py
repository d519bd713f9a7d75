"""What the board measures of itself."""

from __future__ import annotations

import contextlib
from pathlib import Path

ZONES = Path("/sys/class/thermal")


def temperature_c(zones: Path = ZONES) -> float | None:
    """The hottest zone in degrees Celsius; None where the board tells nothing."""
    found = []
    for path in zones.glob("thermal_zone*/temp"):
        with contextlib.suppress(OSError, ValueError):
            found.append(int(path.read_text("ascii")) / 1000)
    return max((value for value in found if -50 < value < 200), default=None)
