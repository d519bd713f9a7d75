"""One face of a clip as `tracks.jsonl` and the report tell it: when and where it was seen, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edge.config import Config
from edge.pipeline import TrackEnd
from edge.records import Reason, Track
from edge.track import TrackerSettings

BY_QUALITY = (Reason.BLUR, Reason.POSE, Reason.EXPOSURE)
"""Reasons that are parts of the quality score."""
Limits = Mapping[Reason, float]
"""What a face has to reach, by the reason it is left out for if it doesn't."""


@dataclass(slots=True)
class Seen:
    """When a track was in view, in seconds of the clip, and where it was at its largest."""

    first_s: float
    last_s: float
    frame: int
    at_s: float
    box: tuple[float, float, float, float]
    score: float

    @property
    def face_px(self) -> float:
        """Shorter side of the box, as `detect.min_face_px` counts it."""
        return round(min(self.box[2] - self.box[0], self.box[3] - self.box[1]), 1)


def note(seen: dict[int, Seen], track: Track, frame: int, at_s: float) -> None:
    """Take in a track's face of one frame."""
    x1, y1, x2, y2 = (round(float(value), 1) for value in track.box)
    at_s = round(at_s, 3)
    now = Seen(at_s, at_s, frame, at_s, (x1, y1, x2, y2), round(float(track.score), 3))
    known = seen.get(track.track_id)
    if known is not None:
        now.first_s = known.first_s
        if known.face_px >= now.face_px:
            known.last_s, now = at_s, known
    seen[track.track_id] = now


def limits_of(config: Config, *, is_stills: bool) -> Limits:
    """The limits in force; of pictures judged one by one, one shot is enough."""
    return {
        Reason.TOO_SMALL: config.detect.min_face_px,
        Reason.TOO_FEW_SHOTS: 1 if is_stills else config.recognise.min_shots,
        Reason.BELOW_MARGIN: config.recognise.min_margin,
        **({} if is_stills else {Reason.LOW_SCORE: TrackerSettings().confirm_hits}),
        **dict.fromkeys(BY_QUALITY, config.recognise.min_quality),
    }


def face_to_json(end: TrackEnd, seen: Seen | None, size: tuple[int, int], limits: Limits) -> dict[str, Any]:
    """JSON-ready: what became of a track that ended, and where it was in frames of that width and height, px.

    docs/contract.md, "Faces of `edge process`", says what each field means.
    """
    place = None if seen is None else asdict(seen) | {"box": list(seen.box), "face_px": seen.face_px}
    return _outcome(end) | {"frame_size": list(size), "seen": place} | _shortfall(end, seen, limits)


def _outcome(end: TrackEnd) -> dict[str, Any]:
    """How long it was followed, and its match or its reason. A track that matched nobody names nobody."""
    match = end.match if end.match and end.match.person_id else None
    return {
        "camera": end.camera,
        "track_id": end.track.track_id,
        "first_frame": end.track.first_frame_id,
        "last_frame": end.track.last_frame_id,
        "num_seen": end.track.num_seen,
        "num_shots": end.num_shots,
        "best_quality": None if end.best_quality is None else round(end.best_quality, 2),
        "person_id": match.person_id if match else None,
        "similarity": round(match.similarity, 6) if match else None,
        "margin": round(match.margin, 6) if match else None,
        "best_similarity": round(end.match.similarity, 6) if end.match else None,
        "reason": end.reason.value if end.reason else None,
    }


def _shortfall(end: TrackEnd, seen: Seen | None, limits: Limits) -> dict[str, Any]:
    """For no hit: the number that the reason is about, the limit, and whether both are of the quality score, 0..100.

    The quality score names what pulled it down most as the reason.
    """
    reason = end.reason
    if reason is Reason.TOO_SMALL and seen is not None and seen.face_px >= limits[reason]:
        reason = Reason.BLUR  # large enough, but the size still pulls the quality below what is needed
    measured = None if reason is None else _measured(end, reason, seen)
    needed = None if reason is None or measured is None else limits.get(reason)
    return {"measured": measured, "needed": needed, "by_quality": reason in BY_QUALITY}


def _measured(end: TrackEnd, reason: Reason, seen: Seen | None) -> float | None:
    """The number that the reason is about; None where there is none."""
    if reason is Reason.TOO_SMALL:
        return None if seen is None else seen.face_px
    if reason is Reason.LOW_SCORE:  # its track never counted: a face is found again in the next frames
        return end.track.num_seen
    if reason is Reason.TOO_FEW_SHOTS:
        return end.num_shots
    if reason is Reason.BELOW_MARGIN:
        return None if end.match is None else round(end.match.margin, 4)
    if reason is Reason.NO_MATCH:
        return None if end.match is None else round(end.match.similarity, 4)
    return None if end.best_quality is None else round(end.best_quality, 1)
