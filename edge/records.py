"""The records that travel between stages and over queues: frozen, slotted, no behaviour beyond small derivations.

No stage is named here and nothing here does I/O. Times are aware UTC datetimes; `*_mono_ns` are monotonic nanoseconds.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, Boxes, Embedding, Landmarks
from edge.glance import Frame as Frame


class CameraState(enum.StrEnum):
    """State of a camera, as capture judges it."""

    STARTING = "starting"
    LIVE = "live"
    STALLED = "stalled"
    FROZEN = "frozen"
    DARK = "dark"
    COVERED = "covered"
    DEFOCUSED = "defocused"
    MOVED = "moved"
    WASHED_OUT = "washed_out"
    LOST = "lost"
    ENDED = "ended"


SEEING_STATES = frozenset({CameraState.LIVE, CameraState.MOVED})
"""States in which faces before the camera can be recognised; `moved`: but not where the camera was meant to look."""


class Reason(enum.StrEnum):
    """Why a face did not become a hit. Every face ends in exactly one; counted in metrics."""

    TOO_SMALL = "too_small"
    BLUR = "blur"
    POSE = "pose"
    EDGE = "edge"
    EXPOSURE = "exposure"
    LOW_SCORE = "low_score"
    NO_MATCH = "no_match"
    BELOW_MARGIN = "below_margin"
    COOLDOWN = "cooldown"
    MASKED = "masked"
    OUTSIDE_ZONES = "outside_zones"
    EXPIRED_ENTRY = "expired_entry"
    TOO_FEW_SHOTS = "too_few_shots"


@dataclass(frozen=True, slots=True)
class Detections:
    """Faces of one frame as a struct of arrays, best score first."""

    boxes: Boxes  # (N, 4) float32 xyxy px
    scores: NDArray[np.float32]  # (N,) float32 0..1
    landmarks: NDArray[np.float32]  # (N, 5, 2) float32 px
    doubtful: Boxes | None = None  # (M, 4) float32 xyxy px: what a lower score finds; None where nobody looked
    is_whole: bool = True  # False where a part of the frame was searched, so `doubtful` does not hold all

    def __len__(self) -> int:
        return len(self.scores)

    def only(self, is_kept: NDArray[np.bool_]) -> Detections:
        """Those of them that are kept, (N,); what is doubtful stays."""
        kept = self.boxes[is_kept], self.scores[is_kept], self.landmarks[is_kept]
        return Detections(*kept, self.doubtful, self.is_whole)

    @classmethod
    def empty(cls) -> Detections:
        """No face."""
        f32 = np.float32
        return cls(np.zeros((0, 4), f32), np.zeros(0, f32), np.zeros((0, 5, 2), f32))


@dataclass(frozen=True, slots=True)
class Quality:
    """Measured numbers of a crop and one 0..100 score with its parts (each part 0..1, the score is their product).

    Along `blur_deg` (0..180 from the x axis) it is least sharp, by `directedness` (0..1); `blockiness` may be unsought.
    """

    sharpness: float
    luma: float
    noise: float
    yaw_deg: float
    eye_distance_px: float
    score: float
    parts: Mapping[str, float]
    directedness: float = 0.0
    blur_deg: float = 0.0
    blockiness: float = 0.0


class TrackState(enum.StrEnum):
    """Stage of a track's life."""

    TENTATIVE = "tentative"
    CONFIRMED = "confirmed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Track:
    """One face followed over frames, as seen after one update. `detection` indexes the frame's Detections, or None."""

    track_id: int
    state: TrackState
    box: tuple[float, float, float, float]
    score: float
    landmarks: Landmarks = field(repr=False)
    first_frame_id: int
    last_frame_id: int
    num_seen: int
    detection: int | None


@dataclass(frozen=True, slots=True)
class Crop:
    """A face cut from a frame: `image` is the aligned 112 x 112 BGR picture."""

    frame_id: int
    captured_at: dt.datetime
    box: tuple[float, float, float, float]
    score: float
    landmarks: Landmarks = field(repr=False)
    image: BgrImage = field(repr=False)
    quality: Quality


@dataclass(frozen=True, slots=True)
class Person:
    """One watchlist entry."""

    person_id: str
    name: str
    status: str
    expires_at: dt.datetime | None = None
    reason: str | None = None
    owner: str | None = None

    def has_ended(self, at: dt.datetime) -> bool:
        """Whether the entry is past its end at that time, and never matches."""
        return self.expires_at is not None and at >= self.expires_at


@dataclass(frozen=True, slots=True)
class Reference:
    """One enrolled picture: its kept image (by hash), the embedding and the model that made it."""

    reference_id: str
    person_id: str
    image_sha256: str
    embedding: Embedding = field(repr=False)
    model_sha256: str
    quality: Mapping[str, Any]
    source: str


@dataclass(frozen=True, slots=True)
class Match:
    """A probe against the gallery. `person_id` is None when the answer is unknown; the candidate is kept in memory."""

    person_id: str | None
    candidate_id: str | None
    similarity: float
    margin: float
    runner_up_id: str | None
    reference_id: str | None
    similarity_original: float
    similarity_enhanced: float | None
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Visit:
    """One person x one camera x one stay."""

    first_at: dt.datetime
    last_at: dt.datetime
    best_at: dt.datetime
    seen_count: int


@dataclass(frozen=True, slots=True)
class HitImages:
    """SHA-256 of each kept picture's file bytes."""

    frame: str
    crop: str
    enhanced: str | None
    reference: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A stored match; mappings hold JSON-ready values.

    `decision` tells every gate, `enhancement` which face the match rests on; both are empty in hits of older versions.
    """

    hit_id: str
    kind: str
    person: Person
    camera: str
    visit: Visit
    similarity: float
    margin: float
    runner_up_id: str | None
    similarity_original: float
    similarity_enhanced: float | None
    expected_false_alerts: str
    quality: Mapping[str, Any]
    recipe: Mapping[str, Any]
    images: HitImages
    box: tuple[float, float, float, float]
    frame_id: int
    watchlist: Mapping[str, Any]
    models: Mapping[str, str]
    box_id: str
    clock: Mapping[str, Any]
    review: Mapping[str, Any]
    liveness: str = "not_assessed"
    decision: Mapping[str, Any] = field(default_factory=dict)
    enhancement: Mapping[str, Any] = field(default_factory=dict)
    attention: Mapping[str, Any] = field(default_factory=dict)
    """What the settings said of the person's status when the hit was made: severity, words, second_person."""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One line of the pull feed. `body` is JSON-ready and holds the type's own fields (for alerts: the hit)."""

    seq: int
    at: dt.datetime
    type: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One answer of the pull feed, oldest first. `next` and `head` are opaque cursors."""

    items: tuple[FeedItem, ...]
    next: str
    epoch: str
    head: str
    more: bool


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """State of one camera and since when, in words a person can act on."""

    camera: str
    state: CameraState
    since: dt.datetime
    detail: str
    frames: int
    restarts: int


@dataclass(frozen=True, slots=True)
class LiveFace:
    """One face as the live page draws it."""

    box: tuple[float, float, float, float]
    label: str | None
    similarity: float | None
    track_id: int
    hit_id: str | None = None
    """The hit of this stay."""
    is_between: bool = False
    """Like two people on the list, and not clearly one of them: it has no name, and is no stranger either."""


@dataclass(frozen=True, slots=True)
class LiveView:
    """The newest processed frame of one camera, ready for the web side: a JPEG and what to draw on it."""

    camera: str
    frame_id: int
    captured_at: dt.datetime
    captured_mono_ns: int
    width: int
    height: int
    make_jpeg: Callable[[], bytes] = field(repr=False)
    """The JPEG. May be called on any thread; a picture that nobody had asked for is encoded at the first call."""
    faces: tuple[LiveFace, ...]
    is_lit: bool = False
    """Whether it was lightened for the eye."""
