"""What the board measures of itself: how warm it is, and whether it has slowed down for it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

ZONES = Path("/sys/class/thermal")
RASPBERRY = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
TOO_LITTLE_VOLTAGE = "too little voltage"
_THROTTLE_BITS = {0: TOO_LITTLE_VOLTAGE, 1: "frequency capped", 2: "throttled", 3: "soft temperature limit reached"}
"""Bits of the Raspberry Pi's get_throttled that describe the present."""
_SINCE_START = 16
"""The same bits, shifted by this much, say what happened since boot."""
_SLOWING_DEVICES = re.compile(r"cpu|processor|gpu|cpufreq|devfreq", re.IGNORECASE)
"""Cooling devices that slow something down; fans cool without harm."""


def temperature_c(zones: Path = ZONES) -> float | None:
    """The hottest zone in degrees Celsius; None where the board has no sensor."""
    found = [value / 1000 for value in _numbers(zones, "thermal_zone*/temp")]
    return max((value for value in found if -50 < value < 200), default=None)


def throttled(zones: Path = ZONES, raspberry: Path = RASPBERRY) -> str | None:
    """Why the board is throttled; None where it is not, or does not say."""
    now, _ = raspberry_flags(raspberry)
    return ", ".join(now) if now else active_cooling_brake(zones)


def raspberry_flags(raspberry: Path = RASPBERRY) -> tuple[list[str], list[str]]:
    """What a Raspberry Pi's firmware says of now, and of the time since its start; nothing on other boards."""
    try:
        bits = int(raspberry.read_text("ascii").strip(), 16)
    except (OSError, ValueError):
        return [], []
    now, before = (
        [text for bit, text in _THROTTLE_BITS.items() if bits >> (bit + shift) & 1] for shift in (0, _SINCE_START)
    )
    return now, before


def active_cooling_brake(zones: Path = ZONES) -> str | None:
    """The cooling device that slows something down now, None where none does."""
    for device in sorted(zones.glob("cooling_device*")):
        with contextlib.suppress(OSError, ValueError):
            kind = (device / "type").read_text("ascii").strip()
            if _SLOWING_DEVICES.search(kind) and int((device / "cur_state").read_text("ascii")) > 0:
                return f"{kind} slowed down"
    return None


def _numbers(folder: Path, pattern: str) -> Iterator[int]:
    for path in folder.glob(pattern):
        with contextlib.suppress(OSError, ValueError):
            yield int(path.read_text("ascii"))
