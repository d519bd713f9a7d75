"""Follows faces over frames from detections, and keeps the best crops of each.

Pure: a track depends on the detections alone, never on who the face is. Best shots are chosen by quality alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.arrays import Landmarks
from edge.pixels.faces.pairing import centers, distance_costs, greedy_pairs, overlap_costs
from edge.records import Crop, Detections, Track, TrackState

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """Limits of the tracker; distances are relative to the face, times are counted in frames."""

    high_score: float = 0.6
    """Detections from this score on may begin a track; lower ones only continue one."""
    confirm_hits: int = 3
    """Frames in which a face must be seen before its track counts."""
    tentative_misses: int = 1
    """Updates in a row that a track not yet confirmed may go unseen."""
    max_misses: int = 15
    """Updates in a row that a confirmed track may go unseen."""
    max_gap_frames: int = 75
    """Frames, dropped ones included, after which an unseen track is over however few updates came: after a stall a
    face in the same place may be anyone. Where updates are always so far apart, they are no stall, and a quarter more
    than from one to the next is allowed."""
    max_weak_frames: int = 75
    """Frames since a detection of `high_score` after which lower ones no longer continue a track: it may have passed
    from a face that left to something that looks a little like one, and would stay there for ever."""
    min_iou: float = 0.25
    """Least overlap of a prediction with a detection that continues it."""
    max_center_distance: float = 1.2
    """Where nothing overlaps: farthest centre, in mean box sides, that still continues a track."""
    max_size_ratio: float = 1.6
    """Where nothing overlaps: largest change of a box's side that still continues a track."""
    velocity_gain: float = 0.5
    """Weight of the newest motion in the velocity."""


@dataclass(slots=True)
class _Face:
    """The state of one track."""

    track_id: int
    first_frame_id: int
    last_frame_id: int
    box: F64  # (4,) where last seen
    score: float
    landmarks: Landmarks
    state: TrackState = TrackState.TENTATIVE
    velocity: F64 = field(default_factory=lambda: np.zeros(2))  # px per frame
    num_seen: int = 1
    misses: int = 0
    strong_id: int = -1
    """Frame of its last detection of `high_score`."""
    moved_id: int = -1
    moved_box: F64 | None = None
    """Where it was found again without a search, after it was last seen, and in which frame."""

    def predicted(self, frame_id: int) -> F64:
        """Return the box at `frame_id` if the motion continues from where the face was last found."""
        box, since = self.box, self.last_frame_id
        if self.moved_box is not None and since < self.moved_id <= frame_id:
            box, since = self.moved_box, self.moved_id
        return box + np.tile(self.velocity * (frame_id - since), 2)


class Tracker:
    """Follows the faces of one camera: first the confident detections, then the doubtful ones, as ByteTrack does.

    Pairs are made by overlap with the predicted box, best overlap first. What is left is paired by distance of
    centres, which catches small faces that move further than their own size. Of equal pairs the older track goes
    first, then the better detection.
    """

    def __init__(self, settings: TrackerSettings | None = None) -> None:
        self._settings = settings or TrackerSettings()
        self._faces: list[_Face] = []
        self._next_id = 1
        self._frame_id: int | None = None
        self._step = 0
        """Frames from the update before the last to the last."""

    def update(self, frame_id: int, detections: Detections) -> tuple[Track, ...]:
        """Take in one frame; return every track there is, oldest first, and those that end now, once, as LOST.

        A track not seen in this frame has `detection=None`, its predicted box and its last landmarks. Frames may be
        left out; a `frame_id` that does not grow means that the source began anew, and ends all tracks.
        """
        before, self._frame_id = self._frame_id, frame_id
        restarted = before is not None and frame_id <= before
        oldest = frame_id - max(self._settings.max_gap_frames, self._step * 5 // 4)
        self._step = 0 if before is None or restarted else frame_id - before
        ended = self._end([face for face in self._faces if restarted or face.last_frame_id < oldest])
        seen = self._associate(frame_id, detections)
        ended += self._end(self._forgotten())
        tracks = [self._report(face, frame_id, seen.get(face.track_id)) for face in self._faces]
        return (*ended, *tracks)

    def move(self, frame_id: int, boxes: Mapping[int, tuple[float, float, float, float]]) -> None:
        """Take in where faces were found again in a frame that was not searched: boxes, xyxy px, by track."""
        for face in self._faces:
            if face.track_id in boxes:
                face.moved_id, face.moved_box = frame_id, np.array(boxes[face.track_id], np.float64)

    def finish(self) -> tuple[Track, ...]:
        """End all tracks, as when the source is over; each is returned once, as LOST."""
        self._frame_id = None
        return tuple(self._end(list(self._faces)))

    def _associate(self, frame_id: int, detections: Detections) -> dict[int, int]:
        """Pair faces with detections, update them, begin new ones; return detection index by track id."""
        is_high = detections.scores >= self._settings.high_score
        high, low = np.flatnonzero(is_high).tolist(), np.flatnonzero(~is_high).tolist()
        confirmed = [face for face in self._faces if face.state is TrackState.CONFIRMED]
        tentative = [face for face in self._faces if face.state is TrackState.TENTATIVE]
        weakest = frame_id - self._settings.max_weak_frames
        boxes = detections.boxes.astype(np.float64)
        seen: dict[int, int] = {}
        for faces, free, is_near in (
            (confirmed, high, False),
            ([face for face in confirmed if face.strong_id >= weakest], low, False),
            (tentative, high, False),
            (tentative, low, False),
            (confirmed, high, True),
            (tentative, high, True),
        ):
            waiting = [face for face in faces if face.track_id not in seen]
            for face, index in self._pair(waiting, free, frame_id, boxes, by_distance=is_near):
                self._see(face, frame_id, detections, index)
                seen[face.track_id] = index
                free.remove(index)
        for face in self._faces:
            face.misses = 0 if face.track_id in seen else face.misses + 1
        for index in high:
            seen[self._begin(frame_id, detections, index).track_id] = index
        return seen

    def _pair(
        self, faces: list[_Face], free: list[int], frame_id: int, boxes: F64, *, by_distance: bool
    ) -> list[tuple[_Face, int]]:
        """Faces with the free detections that continue them."""
        if not faces or not free:
            return []
        limits = self._settings
        predicted = np.stack([face.predicted(frame_id) for face in faces])
        if by_distance:
            costs = distance_costs(predicted, boxes[free], limits.max_center_distance, limits.max_size_ratio)
        else:
            costs = overlap_costs(predicted, boxes[free], limits.min_iou)
        return [(faces[row], free[column]) for row, column in greedy_pairs(costs)]

    def _see(self, face: _Face, frame_id: int, detections: Detections, index: int) -> None:
        """Move `face` to its detection."""
        box = detections.boxes[index].astype(np.float64)
        moved = (centers(box[None]) - centers(face.box[None]))[0] / (frame_id - face.last_frame_id)
        gain = 1.0 if face.num_seen == 1 else self._settings.velocity_gain
        face.velocity = face.velocity + gain * (moved - face.velocity)
        face.box, face.score = box, float(detections.scores[index])
        face.landmarks = detections.landmarks[index]
        face.last_frame_id = frame_id
        if face.score >= self._settings.high_score:
            face.strong_id = frame_id
        face.num_seen += 1
        if face.num_seen >= self._settings.confirm_hits:
            face.state = TrackState.CONFIRMED

    def _begin(self, frame_id: int, detections: Detections, index: int) -> _Face:
        box = detections.boxes[index].astype(np.float64)
        score, landmarks = float(detections.scores[index]), detections.landmarks[index]
        face = _Face(self._next_id, frame_id, frame_id, box, score, landmarks, strong_id=frame_id)
        if self._settings.confirm_hits <= 1:
            face.state = TrackState.CONFIRMED
        self._next_id += 1
        self._faces.append(face)
        return face

    def _forgotten(self) -> list[_Face]:
        limits = {
            TrackState.TENTATIVE: self._settings.tentative_misses,
            TrackState.CONFIRMED: self._settings.max_misses,
        }
        return [face for face in self._faces if face.misses > limits[face.state]]

    def _end(self, faces: list[_Face]) -> list[Track]:
        """Drop `faces`; return each where it was last seen."""
        ended = []
        for face in faces:
            face.state = TrackState.LOST
            self._faces.remove(face)
            ended.append(self._report(face, face.last_frame_id, None))
        return ended

    def _report(self, face: _Face, frame_id: int, detection: int | None) -> Track:
        x1, y1, x2, y2 = (float(np.float32(value)) for value in face.predicted(frame_id))
        return Track(
            track_id=face.track_id,
            state=face.state,
            box=(x1, y1, x2, y2),
            score=face.score,
            landmarks=face.landmarks,
            first_frame_id=face.first_frame_id,
            last_frame_id=face.last_frame_id,
            num_seen=face.num_seen,
            detection=detection,
        )


class BestShots:
    """The best crops of one track by quality score, spread over time. Equal scores keep the earlier crop."""

    def __init__(self, max_shots: int, min_gap_frames: int, min_gain: float = 1.0) -> None:
        """`min_gain`: how many times better than each it replaces a crop has to be, 1 or more."""
        self._max_shots = max_shots
        self._min_gap_frames = min_gap_frames
        self._min_gain = min_gain
        self._shots: list[Crop] = []

    @property
    def shots(self) -> tuple[Crop, ...]:
        """What is kept, best first, then earliest."""
        return tuple(sorted(self._shots, key=lambda shot: (-shot.quality.score, shot.frame_id)))

    def can_win(self, frame_id: int, score: float) -> bool:
        """Whether a crop of this frame with this quality score would be kept."""
        return all(rival.quality.score * self._min_gain < score for rival in self._rivals(frame_id))

    def offer(self, crop: Crop) -> bool:
        """Keep `crop` if it beats what it would replace; return whether it was kept.

        Kept crops are at least `min_gap_frames` apart: a crop too near to kept ones must beat each of them and takes
        their place; otherwise, when all places are taken, it must beat the worst.
        """
        if not self.can_win(crop.frame_id, crop.quality.score):
            return False
        rivals = self._rivals(crop.frame_id)
        self._shots = [shot for shot in self._shots if all(shot is not rival for rival in rivals)]
        self._shots.append(crop)
        return True

    def _rivals(self, frame_id: int) -> list[Crop]:
        """The kept crops whose place a crop of this frame would take."""
        near = [shot for shot in self._shots if abs(shot.frame_id - frame_id) < self._min_gap_frames]
        return near or ([self.shots[-1]] if len(self._shots) >= self._max_shots else [])
