"""What `edge probe --soak` measured: the rate of a machine that has got warm. `soak.json` in the data directory.

A file of its own beside `probe.json`: an older release refuses fields that it does not know, and must start after a
rollback.
"""

from __future__ import annotations

from pathlib import Path

from edge.errors import ConfigError
from edge.ops.packs import measurements
from edge.strict import Strict

FILE = "soak.json"
SLOWER = 0.85
"""Share of the first rate below which a machine counts as slowed down by heat."""


class Minute(Strict):
    """One minute, or what was left of the last."""

    at_s: float
    """Seconds since the start, at its end."""
    rate: float
    """Frames a second: a search of a 640 x 480 frame and the embeddings of four faces."""
    temperature_c: float | None
    """The hottest zone at its end; None where the board has no sensor."""
    throttled: str | None = None


class Soak(Strict):
    """One measurement."""

    at: str
    platform: dict[str, str]
    models: dict[str, str]
    """What was measured: SHA-256 by task."""
    minutes: tuple[Minute, ...]

    @property
    def first_rate(self) -> float:
        """Frames a second in the first minute."""
        return self.minutes[0].rate

    @property
    def last_rate(self) -> float:
        """Frames a second in the last minute."""
        return self.minutes[-1].rate

    @property
    def hottest_c(self) -> float | None:
        """The highest temperature; None where the board has no sensor."""
        return max((one.temperature_c for one in self.minutes if one.temperature_c is not None), default=None)

    @property
    def has_slowed_down(self) -> bool:
        """Whether the machine was clearly slower at the end, or said that it was throttled."""
        return self.last_rate < SLOWER * self.first_rate or any(one.throttled for one in self.minutes)

    def told(self) -> str:
        """One sentence."""
        said = f"{self.last_rate:.1f} frames/s after {self.minutes[-1].at_s / 60:.0f} min"
        heat = self.hottest_c
        said += ", temperature unknown" if heat is None else f" at up to {heat:.0f} degrees Celsius"
        why = next((one.throttled for one in self.minutes if one.throttled), None)
        return f"{said}; {self.first_rate:.1f} in the first minute" + (f"; the board said: {why}" if why else "")


def read_soak(data_dir: Path) -> Soak | None:
    """What was measured last; None if it never was, ConfigError if the file is damaged."""
    found = measurements.read(data_dir / FILE, Soak, "edge probe --soak 20")
    if found is not None and not found.minutes:
        raise ConfigError(f"{data_dir / FILE}: damaged (no minute in it); run `edge probe --soak 20` again")
    return found


def write_soak(data_dir: Path, soak: Soak) -> Path:
    """Keep a measurement; StoreError where the disk does not take it."""
    return measurements.write(data_dir / FILE, soak)
