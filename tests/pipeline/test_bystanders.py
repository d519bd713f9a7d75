"""A hit's pictures show no face but the hit's: what is left of a bystander resembles them as little as a stranger."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.app.build import Models
from edge.app.offline.explain import replay_hit
from edge.app.selfcheck import demo_clip
from edge.capture.sources import open_path
from edge.config import Config
from edge.pipeline import ActiveList, DeviceFacts, HitDraft, Pipeline
from edge.pipeline.bystanders import Bystanders, bystanders_of, cover_bystanders, find_bystanders
from edge.pixels.compose import paste
from edge.pixels.faces.boxes import iou
from edge.pixels.faces.geometry import align
from edge.records import Detections, Frame, Reference, Track, TrackState
from edge.store import Store
from tests.support.store import ANN, picture

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
PICTURE = picture("enrolled")
STRANGERS = 0.3
SURE = 0.7
"""Similarity of a single crop that strangers hardly reach."""


def embed(models: Models, image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    return models.stages.embedder.embed(align(image, landmarks)[np.newaxis])[0]


def face_in(found: Detections, left: float, right: float) -> int:
    """The best detection between two columns."""
    middles = (found.boxes[:, 0] + found.boxes[:, 2]) / 2
    return int(np.flatnonzero((middles > left) & (middles < right))[0])


def two_people(light: float, scale: float) -> np.ndarray:
    """The portrait's person twice, 960 x 480: large at the left, and beside her as a bystander."""
    person = demo_clip.portrait()[:300, 60:360]
    room = np.full((480, 960, 3), 90, np.uint8)
    whole = np.ones(person.shape[:2], np.float32)
    room = paste(room, person, whole, scale=1.2, corner=(20, 60))
    dim = np.rint(person * light).astype(np.uint8)
    return paste(room, dim, whole, scale=scale, corner=(620, 120))


def drafts_of(models: Models, image: np.ndarray, known: np.ndarray) -> list[HitDraft]:
    reference = Reference("r", ANN.person_id, PICTURE[0], known, "m", {}, "t")
    watch = ActiveList.of([ANN], [reference], 1, "d")
    pipeline = Pipeline(Config(), models.stages, watch, DeviceFacts("box", "test", {}, None, lambda _: {}))
    drafts: list[HitDraft] = []
    for number in range(20):
        at = AT + dt.timedelta(seconds=number / 25)
        drafts += pipeline.process(Frame(number, "door", at, number, image)).drafts
    return drafts


@pytest.mark.parametrize(("light", "scale"), [(1.0, 0.9), (0.25, 0.6), (1.0, 0.22)])
def test_a_bystander_is_in_no_picture_of_a_hit(models: Models, light: float, scale: float) -> None:
    image = two_people(light, scale)
    found = models.stages.detector.detect(image, 0.05)
    own, other = face_in(found, 0, 480), face_in(found, 480, 960)
    known = embed(models, image, found.landmarks[own])
    assert embed(models, image, found.landmarks[other]) @ known > STRANGERS, "the bystander must be known by face"
    drafts = drafts_of(models, image, known)
    assert drafts
    for draft in drafts:
        middle = (draft.hit.box[0] + draft.hit.box[2]) / 2
        mine, beside = (own, other) if middle < 480 else (other, own)
        kept = cv2.imdecode(np.frombuffer(draft.images[draft.hit.images.frame], np.uint8), cv2.IMREAD_COLOR)
        assert embed(models, kept, found.landmarks[mine]) @ known > 0.5
        assert embed(models, kept, found.landmarks[beside]) @ known < STRANGERS
        left = models.stages.detector.detect(kept, 0.3)
        assert float(iou(left.boxes, found.boxes[beside][np.newaxis]).max(initial=0)) < 0.1


def test_a_hit_with_a_covered_neighbour_is_replayed(models: Models, tmp_path: Path) -> None:
    image = two_people(0.4, 1.0)
    image[:, 260:500] = image[:, 640:880].copy()  # the neighbour's face lies within the margin of the kept face
    found = models.stages.detector.detect(image, 0.3)
    known = embed(models, image, found.landmarks[face_in(found, 0, 260)])
    draft = drafts_of(models, image, known)[-1]
    assert draft.shown is not None
    assert not draft.shown.found.any(axis=2).all(), "a neighbour is covered within the kept face's margin"
    with Store.open(tmp_path) as store:
        reference = Reference("r", ANN.person_id, PICTURE[0], known, "m", {}, "t")
        store.put_person(ANN, [reference], dict([PICTURE])).result(10)
        store.add_hit(draft.hit, draft.images).result(10)
        done = replay_hit(store, draft.hit.hit_id, models.stages.enhancer.networks)
    assert done["close"], done


def test_the_pictures_are_as_before_where_nobody_else_is(models: Models) -> None:
    image = two_people(1.0, 0.9)
    image[:, 480:] = 90
    found = models.stages.detector.detect(image)
    own = tuple(float(v) for v in found.boxes[0])
    others = find_bystanders(image, own, Bystanders(), models.stages.detector)  # type: ignore[arg-type]
    kept = cover_bystanders(image, own, others)  # type: ignore[arg-type]
    x1, y1, x2, y2 = (int(v) for v in own)
    assert np.array_equal(kept[y1:y2, x1:x2], image[y1:y2, x1:x2])
    (draft, *_) = drafts_of(models, image, embed(models, image, found.landmarks[0]))
    assert draft.shown is not None
    assert np.array_equal(draft.shown.found, kept[slice(*span(draft, 1))][:, slice(*span(draft, 0))])


def span(draft: HitDraft, axis: int) -> tuple[int, int]:
    """First and last pixel of the kept face along x (0) or y (1)."""
    assert draft.shown is not None
    start = draft.hit.recipe["input"]["corner"][axis]
    return start, start + draft.shown.found.shape[1 - axis]


def track_of(number: int, box: tuple[float, float, float, float], detection: int | None) -> Track:
    points = np.zeros((5, 2), np.float32)
    return Track(number, TrackState.CONFIRMED, box, 0.5, points, 0, 9, 9, detection)


def test_faces_of_low_score_and_those_missed_in_this_frame_count() -> None:
    boxes = np.array([[0, 0, 20, 20], [40, 0, 60, 20], [80, 0, 90, 10]], np.float32)
    found = Detections(boxes, np.array([0.9, 0.7, 0.5], np.float32), np.zeros((3, 5, 2), np.float32))
    own, missed = track_of(1, (40, 0, 60, 20), 1), track_of(2, (120, 0, 140, 20), None)
    others = bystanders_of(own, found, (own, missed))
    assert np.array_equal(others.detected, boxes[[0, 2]])
    assert np.array_equal(others.doubtful, np.array([missed.box], np.float32))


def test_a_frame_that_was_searched_as_a_whole_is_only_searched_in_tiles() -> None:
    class Counting:
        looks = 0

        def detect(self, image: np.ndarray, min_score: float | None = None) -> Detections:
            self.looks += 1
            return Detections.empty()

    own = (10.0, 10.0, 50.0, 50.0)
    doubtful = np.array([[60, 10, 90, 40]], np.float32)
    for side, searched, looks in ((320, True, 0), (320, False, 2), (1200, True, 4), (1200, False, 6)):
        counting = Counting()
        known = Bystanders(doubtful=doubtful, is_searched=searched)
        found = find_bystanders(np.zeros((side, side, 3), np.uint8), own, known, counting)
        assert counting.looks == looks
        np.testing.assert_array_equal(found.doubtful, doubtful)


def test_who_stands_outside_the_region_that_was_searched_is_covered_as_surely_as_anybody(models: Models) -> None:
    image = two_people(1.0, 0.9)
    found = models.stages.detector.detect(image)
    own, other = face_in(found, 0, 480), face_in(found, 480, 960)
    track = track_of(1, tuple(float(v) for v in found.boxes[own]), 0)  # type: ignore[arg-type]
    whole = replace(found, doubtful=found.boxes[:0])
    alone = np.arange(len(found)) == own
    part = replace(whole.only(alone), is_whole=False)
    kept = []
    for seen, one in ((whole, replace(track, detection=own)), (part, track)):
        others = find_bystanders(image, track.box, bystanders_of(one, seen, (one,)), models.stages.detector)  # type: ignore[arg-type]
        kept.append(cover_bystanders(image, track.box, others))
    left, top, right, bottom = (int(v) for v in found.boxes[other])
    wide = slice(max(top - (bottom - top) // 4, 0), bottom), slice(left, right)
    assert not kept[0][wide].any(), "hair and brow, too"
    assert not kept[1][wide].any()
    left, top, right, bottom = (int(v) for v in found.boxes[own])
    assert np.array_equal(kept[1][top:bottom, left:right], image[top:bottom, left:right])


def test_a_small_face_in_a_panorama_is_covered(models: Models) -> None:
    person = demo_clip.portrait()[:300, 60:360]
    wide = np.full((1200, 24000, 3), 90, np.uint8)
    wide[100:1000, 100:1000] = cv2.resize(person, (900, 900))
    places = (5000, 9500, 14000, 20500)
    for left in places:
        wide[500:660, left : left + 160] = cv2.resize(person, (160, 160), interpolation=cv2.INTER_AREA)
    own = (451.0, 271.0, 733.0, 632.0)
    kept = cover_bystanders(wide, own, find_bystanders(wide, own, Bystanders(), models.stages.bystander_searcher))
    for left in places:
        assert not kept[540:590, left + 67 : left + 105].any()
    assert np.array_equal(kept[271:632, 451:733], wide[271:632, 451:733])


def test_a_doubtful_box_on_the_own_face_covers_nothing_of_it() -> None:
    image = np.random.default_rng(0).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    own = (30.0, 30.0, 60.0, 70.0)
    shifted = np.array([[52, 30, 82, 70], [32, 32, 58, 66]], np.float32)
    others = find_bystanders(image, own, Bystanders(doubtful=shifted), None)
    assert np.array_equal(others.doubtful, shifted[:1])
    kept = cover_bystanders(image, own, others)
    assert np.array_equal(kept[30:70, 30:60], image[30:70, 30:60])
    assert not np.array_equal(kept, image)


def test_nobody_of_a_crowd_is_left_beside_the_hit(models: Models, shared_data: Path) -> None:
    """Of faces in a street, each in turn is the hit's: no other looks like itself any more."""
    detector, most, count = models.stages.detector, [], 0
    with open_path(shared_data / "video" / "crowd-1080p.mp4") as source:
        images = [frame.image for frame in islice(source.frames(), 0, 120, 40)]
    for image in images:
        found = detector.detect(image, 0.5)
        known = [embed(models, image, points) for points in found.landmarks]
        for own in range(min(len(found), 2)):
            box = tuple(float(v) for v in found.boxes[own])
            others = find_bystanders(image, box, Bystanders(np.delete(found.boxes, own, axis=0)), detector)  # type: ignore[arg-type]
            kept = cover_bystanders(image, box, others)  # type: ignore[arg-type]
            # What the detector doubts is mostly no face, and a crop of nothing resembles black to some degree.
            sure = {row for row in range(len(found)) if found.scores[row] >= SURE}
            for beside in sure - {own}:
                left = float(embed(models, kept, found.landmarks[beside]) @ known[beside])
                # To an embedder plain black resembles some faces: what counts is what is left beyond that.
                of_black = float(embed(models, np.zeros_like(kept), found.landmarks[beside]) @ known[beside])
                most.append(min(left, left - of_black + STRANGERS / 2))
                count += 1
    assert count > 3
    assert max(most) < STRANGERS
