"""Figures of a replay of the demo clip and the bands they must lie in, for recorded answers and the sealed clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FACES_SHARE = 0.1
"""How far the number of faces found may be from the recorded one: another processor moves a rounding or two."""
SIMILARITY_BAND = 0.06
"""How far the hit's similarity may fall: another runtime moves it by hundredths, a broken one by tenths."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure against its band; `low` <= `found` <= `high` is what was promised."""

    name: str
    found: float
    low: float
    high: float

    @property
    def ok(self) -> bool:
        """Whether the figure lies within its band."""
        return self.low <= self.found <= self.high


def bands_of(figures: Mapping[str, float]) -> dict[str, list[float]]:
    """The bands around recorded figures, JSON-ready: counts of frames and hits must be equal."""
    faces, similarity = figures["faces"], figures["similarity"]
    around = {
        "faces": [faces * (1 - FACES_SHARE), faces * (1 + FACES_SHARE)],
        "similarity": [similarity - SIMILARITY_BAND, 1.0],
    }
    return {name: [round(v, 4) for v in around.get(name, [figures[name]] * 2)] for name in figures}


def judge(figures: Mapping[str, float], bands: Mapping[str, Sequence[float]]) -> list[Finding]:
    """Compare each figure that has a band with its band."""
    return [Finding(name, figures[name], low, high) for name, (low, high) in bands.items()]
