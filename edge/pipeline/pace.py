"""How often the frames of a camera are searched for faces, and which crops are worth their cost."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.config import DetectConfig
from edge.pipeline.limits import MatchLimits
from edge.records import Match

LIVE_GAIN = 1.1
"""A crop that is hardly better adds nothing to an answer, and costs as much as the detector does."""
SURE_BY = 0.15
"""So far from the limits, further shots of that quality changed no answer: `python -m tools.accuracy.fewer_shots`."""
SURE_AT_ONCE = 2.0
"""How many times further from the limits the first answer has to be to be as sure as one with a shot more."""
CLEARLY_BETTER = 1.25
"""How many times better than the best shot a crop of a face has to be that is surely nobody on the list."""
BETTER_PICTURE = 1.1
"""The same of somebody surely recognised: the crop becomes the picture of the hit."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often frames are searched, a second; 0 stands for every frame."""

    idle_fps: float = 0.0
    """While nothing changes and nobody is followed."""
    busy_fps: float = 0.0
    """While much moves, or every face in view is found again without a search."""
    min_gain: float = 1.0
    """How many times better a crop has to be than the shot it replaces: each kept shot is enhanced and embedded."""
    sure_by: float | None = None
    """How far below the limit a face is so surely nobody on the list, and how far above the limits so surely that
    person, that it gives no more shots, unless they are clearly better; None: it gives all."""

    def moving_fps(self, share: float = 1.0) -> float:
        """Searches a second at a share of the busy rate: where something moves, never fewer than where nothing does."""
        return max(self.busy_fps * share, self.idle_fps) if self.busy_fps > 0 else 0.0

    @classmethod
    def of(cls, settings: DetectConfig) -> Pace:
        """The pace that is configured."""
        return cls(settings.idle_fps, settings.busy_fps, LIVE_GAIN, SURE_BY)

    def times(self, idle: float, busy: float) -> Pace:
        """The pace with its rates multiplied; every frame stays every frame."""
        return replace(self, idle_fps=self.idle_fps * idle, busy_fps=self.busy_fps * busy)


EVERY_FRAME = Pace()
"""For files: each frame is searched, so that what is found does not depend on what a live camera can afford."""


def needed_gain(match: Match, limits: MatchLimits, sure_by: float) -> float | None:
    """How many times better than the best shot a crop has to be, where the answer lies `sure_by` from its limits.

    None where the answer is nearer to them: there each shot may change it, and a crop counts among all shots.
    """
    if match.person_id is None:
        return CLEARLY_BETTER if match.similarity < limits.min_similarity - sure_by else None
    is_sure = match.similarity >= limits.min_similarity + sure_by and match.margin >= limits.min_margin + sure_by
    return BETTER_PICTURE if is_sure else None
