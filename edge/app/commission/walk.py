"""The walk: frames in, a sighting per face. No picture and no embedding leaves the memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.app.build import Models
from edge.app.commission.distances import DistanceSource
from edge.arrays import BgrImage, Embedding
from edge.config import Config
from edge.pipeline import ActiveList
from edge.pixels.color import is_gray
from edge.pixels.faces.boxes import iou
from edge.pixels.faces.geometry import align
from edge.pixels.measures.quality import measure
from edge.records import Detections, Track, TrackState
from edge.track import Tracker, TrackerSettings

DAY, NIGHT = "day", "night"
ZONES = ("left", "middle", "right")
MIN_WALKER_SIMILARITY = 0.3
"""Strangers hardly ever reach this similarity with a single crop."""
MIN_SAME_PLACE_IOU = 0.4


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face in one frame. `similarity` is to the walker's best reference, for this single crop."""

    track: int
    box: tuple[float, float, float, float]
    at_s: float
    light: str
    distance_m: float
    zone: str
    eye_px: float
    sharpness: float
    luma: float
    quality: float
    is_usable: bool
    is_gray: bool
    similarity: float
    embedding: Embedding = field(repr=False)


class Walk:
    """Measures every face in the frames of the walk against the list in force."""

    def __init__(self, config: Config, models: Models, active_list: ActiveList, person_id: str) -> None:
        self._config = config
        self._models = models
        self._tracker = Tracker(TrackerSettings(high_score=config.detect.min_score))
        self._first_track = 0
        self.active_list = active_list
        self.person_id = person_id
        self.sightings: list[Sighting] = []
        self.num_frames = 0
        self.frames_at: Counter[tuple[str, int]] = Counter()
        """Frames by light and whole metres at which the walker was, also of those in which no face was found."""
        self.num_without_distance = 0
        """Faces whose distance could not be worked out."""

    def begin_segment(self) -> None:
        """Begin a new segment: tracks must not continue from the clip or station before."""
        self._first_track = 1 + max((one.track for one in self.sightings), default=-1)
        self._tracker = Tracker(TrackerSettings(high_score=self._config.detect.min_score))

    def add_frame(
        self,
        image: BgrImage,
        at_s: float,
        distances: DistanceSource,
        *,
        light: str = DAY,
        found: Detections | None = None,
    ) -> list[Sighting]:
        """Measure the faces of a frame whose distance is known; with `found` the detector is not run again."""
        self.num_frames += 1
        if (metres := distances.walked(at_s)) is not None:
            self.frames_at[light, round(metres)] += 1
        if found is None:
            found = self._models.stages.detector.detect(image, self._config.detect.search_score)
        seen = []
        for track in self._tracker.update(self.num_frames, found):
            if track.detection is not None and track.state is TrackState.CONFIRMED:
                one = self._measure(image, track, at_s, distances, light)
                seen += [one] if one is not None else []
        self.sightings += seen
        return seen

    def _measure(
        self, image: BgrImage, track: Track, at_s: float, distances: DistanceSource, light: str
    ) -> Sighting | None:
        points, box = track.landmarks, track.box
        crop = align(image, points)
        quality = measure(crop, points, np.asarray(box, np.float32))
        metres = distances.at(at_s, quality.eye_distance_px, quality.yaw_deg)
        if metres is None:
            self.num_without_distance += 1
            return None
        embedding = self._models.stages.embedder.embed(crop[np.newaxis])[0]
        middle = (box[0] + box[2]) / 2 / image.shape[1]
        side = min(box[2] - box[0], box[3] - box[1])
        is_good = quality.score >= self._config.recognise.min_quality
        return Sighting(
            track=self._first_track + track.track_id,
            box=box,
            at_s=at_s,
            light=light,
            distance_m=metres,
            zone=ZONES[min(max(int(middle * 3), 0), 2)],
            eye_px=quality.eye_distance_px,
            sharpness=quality.sharpness,
            luma=quality.luma,
            quality=quality.score,
            is_usable=bool(is_good and side >= self._config.detect.min_face_px),
            is_gray=is_gray(crop),
            similarity=self.active_list.gallery.similarity_to(embedding, self.person_id),
            embedding=embedding,
        )


def walker_sightings(sightings: Sequence[Sighting]) -> list[Sighting]:
    """Return the walker's sightings in order, without posters, wheels and passers-by.

    If one sighting of a track resembles the walker, the whole track is the walker's, also where it is too far to be
    recognised. A track seen in the same frame as such a track is somebody else, and so is any track at the same place.
    All other tracks may be the walker unrecognised, and count.
    """
    tracks: dict[int, list[Sighting]] = {}
    for one in sightings:
        tracks.setdefault(one.track, []).append(one)
    known = {track for track, seen in tracks.items() if max(one.similarity for one in seen) >= MIN_WALKER_SIMILARITY}
    others = {
        track
        for track, seen in tracks.items()
        if track not in known and any(_seen_together(seen, tracks[other]) for other in known)
    }
    places = np.array([_mean_box(tracks[track]) for track in sorted(others)], np.float32).reshape(-1, 4)
    strange = others | {
        track
        for track, seen in tracks.items()
        if track not in known
        and len(places)
        and float(iou(_mean_box(seen)[np.newaxis], places).max()) >= MIN_SAME_PLACE_IOU
    }
    return [one for one in sightings if one.track not in strange]


def _seen_together(one: Sequence[Sighting], other: Sequence[Sighting]) -> bool:
    """Whether both tracks were seen in one frame."""
    return not {(s.light, s.at_s) for s in one}.isdisjoint((s.light, s.at_s) for s in other)


def _mean_box(seen: Sequence[Sighting]) -> NDArray[np.float32]:
    """Mean box of a track, (4,)."""
    return np.asarray(np.mean([one.box for one in seen], axis=0), np.float32)
