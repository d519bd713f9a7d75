"""What the pipeline says of a frame, and of a track that is over."""

from __future__ import annotations

from dataclasses import dataclass

from edge.pipeline.draft import HitDraft
from edge.records import Detections, LiveFace, Match, Quality, Reason, Track


@dataclass(frozen=True, slots=True)
class TrackEnd:
    """A track that is over: it led to a hit, or ended for exactly one reason.

    `drafts` are hits that its end alone led to, marked `late`. A match without a hit of its own (its visit had one
    before) ends in `cooldown`.
    """

    camera: str
    track: Track
    match: Match | None
    reason: Reason | None
    num_shots: int
    best_quality: float | None
    drafts: tuple[HitDraft, ...] = ()
    quality: Quality | None = None
    """Measures of the best shot."""


@dataclass(frozen=True, slots=True)
class FrameResult:
    """The result of one frame. Where it was not searched, `detections` is empty and `tracks` are only followed."""

    detections: Detections
    tracks: tuple[Track, ...]
    faces: tuple[LiveFace, ...]
    drafts: tuple[HitDraft, ...]
    ended: tuple[TrackEnd, ...]
    is_searched: bool = True
