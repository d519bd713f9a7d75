"""Wiring details: ids and kept pictures."""

from __future__ import annotations

import datetime as dt
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.app import demo
from edge.app.build import Models, load_active_list
from edge.app.offline.clips import process
from edge.app.offline.contents import find_clips
from edge.app.people.people import enrol
from edge.app.selfcheck import demo_clip
from edge.capture.sources import open_path
from edge.config import Config, load
from edge.errors import ImageError
from edge.pipeline import DeviceFacts, HitDraft, Pipeline
from edge.pipeline.draft import CROP_MARGIN, cut_with_margin
from edge.pipeline.face import TrackedFace
from edge.pipeline.limits import limits_of
from edge.pipeline.pace import Pace
from edge.pixels.faces.geometry import ARCFACE_POINTS, align
from edge.pixels.hashing import pixel_sha256
from edge.records import Frame, Person, Reason, Track, TrackState
from edge.store import Store

AT = dt.datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=dt.UTC)


@given(x=st.floats(-50, 690), y=st.floats(-50, 530), w=st.floats(4, 300), h=st.floats(4, 300))
def test_found_face_is_a_copy_of_the_frame_around_the_box(x: float, y: float, w: float, h: float) -> None:
    frame = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    x1, y1 = min(max(x, 0), 630), min(max(y, 0), 470)
    box = (x1, y1, min(x1 + w, 640), min(y1 + h, 480))
    found, (left, top) = cut_with_margin(frame, box)
    height, width = found.shape[:2]
    assert np.array_equal(found, frame[top : top + height, left : left + width])
    assert left <= box[0]
    assert top <= box[1]
    assert left + width >= min(box[2] + (box[2] - box[0]) * CROP_MARGIN, 640) - 1
    found[:] = 0
    assert frame.any()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, models: Models, portrait: Path) -> Any:
    with Store.open(tmp_path_factory.mktemp("data")) as opened:
        enrol(opened, models, Person("p1", "P", "demo"), [portrait])
        yield opened


def drafts_of(models: Models, store: Store, clip: Path, pace: Pace) -> list[HitDraft]:
    """Every draft that a clip leads to, in order."""
    facts, drafts = DeviceFacts("box", "test", {}, None, lambda _: {}), list[HitDraft]()
    pipeline = Pipeline(Config(), models.stages, load_active_list(store, models), facts, pace)
    with open_path(clip) as source:
        for number, shot in enumerate(source.frames()):
            at = AT + dt.timedelta(seconds=number / 25)
            result = pipeline.process(Frame(number, "door", at, round(number / 25 * 1e9), shot.image))
            drafts += [*result.drafts, *(draft for end in result.ended for draft in end.drafts)]
        drafts += [draft for end in pipeline.finish("door") for draft in end.drafts]
    return drafts


@pytest.fixture(scope="module")
def demo_drafts(models: Models, store: Store, demo_clip: Path) -> list[HitDraft]:
    """Every draft that the demo's clip leads to where each frame is searched."""
    return drafts_of(models, store, demo_clip, Pace())


def test_one_stay_is_one_hit_with_updates(demo_drafts: list[HitDraft]) -> None:
    assert [draft.is_new for draft in demo_drafts] == [True] + [False] * (len(demo_drafts) - 1)
    assert len({draft.hit.hit_id for draft in demo_drafts}) == 1
    seen = [draft.hit.visit.seen_count for draft in demo_drafts]
    assert seen == sorted(seen)
    told = [draft.hit.quality["score"] for draft in demo_drafts]
    assert told == sorted(told), "an update put a worse picture in place of a better one"


def test_the_kept_face_can_be_aligned_and_scored_again(
    demo_drafts: list[HitDraft], models: Models, store: Store
) -> None:
    draft = demo_drafts[-1]
    landmarks = np.array(draft.hit.recipe["input"]["landmarks"], np.float32)
    embedding = models.stages.embedder.embed(align(draft.shown.found, landmarks)[np.newaxis])[0]
    ranked = load_active_list(store, models).gallery.search(embedding)
    assert ranked[0].person_id == "p1"
    for step in draft.hit.recipe["steps"][:1]:
        assert step["input_sha256"] == pixel_sha256(draft.shown.found)


def test_every_track_ends_in_a_match_or_one_reason(models: Models, store: Store, demo_clip: Path) -> None:
    (result,) = process(Config(), models, load_active_list(store, models), find_clips(demo_clip))
    assert result.ended
    for end in result.ended:
        known = end.match is not None and end.match.person_id is not None
        assert (end.reason is None) == known
        assert end.reason is None or isinstance(end.reason, Reason)


def test_a_track_that_passes_to_something_else_loses_its_name(models: Models, store: Store) -> None:
    """As when the person leaves and the detector fires on a wheel where the face was."""
    face, active_list = TrackedFace(load().recognise), load_active_list(store, models)
    limits, embedder = limits_of(load().recognise, active_list), models.stages.embedder
    for number, image in enumerate(islice(demo_clip.frames(), 140)):
        found = models.stages.detector.detect(image)
        if number < 90 or not len(found):
            continue
        box, frame = tuple(float(v) for v in found.boxes[0]), Frame(number, "c", AT, 0, image)
        track = Track(1, TrackState.CONFIRMED, box, 0.9, found.landmarks[0], 0, number, number, 0)  # type: ignore[arg-type]
        assert not face.has_changed(frame, track, embedder)
        if face.add_shot(frame, track, 16, embedder):
            face.answer(active_list, limits)
    assert face.match is not None
    assert face.match.person_id == "p1"
    wheel = ARCFACE_POINTS + np.array([100, 245], np.float32)
    track = Track(1, TrackState.CONFIRMED, (100, 245, 200, 355), 0.6, wheel, 0, 150, 150, 0)
    changed = [face.has_changed(Frame(n, "c", AT, 0, demo_clip.scene()), track, embedder) for n in range(150, 160)]
    assert any(changed)
    assert face.is_doubtful


def test_no_source() -> None:
    with pytest.raises(ImageError, match="no such file"):
        find_clips(Path("none.mp4"))


@pytest.mark.parametrize("pace", [Pace(), Pace.of(Config().detect)], ids=["every frame", "live"])
def test_the_demos_person_is_recognised_once_at_any_pace(
    models: Models, store: Store, demo_clip: Path, pace: Pace
) -> None:
    drafts = drafts_of(models, store, demo_clip, pace)
    assert {draft.hit.person.person_id for draft in drafts} == {"p1"}
    assert sum(draft.is_new for draft in drafts) == 1
    assert drafts[0].hit.decision["timing"] == "early"
    assert drafts[-1].hit.decision["timing"] == "regular", "told even where no picture is better"
    told = [draft.hit.quality["score"] for draft in drafts if draft.images]
    assert all(after > pace.min_gain * before for before, after in pairwise(told))
    shots = {shot["frame_id"] for shot in drafts[-1].hit.decision["shots"]}
    assert drafts[-1].hit.frame_id in shots
    assert drafts[-1].hit.quality["num_shots"] == len(shots)
    assert drafts[-1].hit.similarity > 0.6


def test_the_live_page_of_the_demo_shows_one_box_on_the_face(models: Models, store: Store, tmp_path: Path) -> None:
    """A lamp and a saddle in its scene were once taken for faces. The clip is played twice, because it loops."""
    demo_clip.render(tmp_path / "clip.avi", fault=demo.FAULT)
    facts = DeviceFacts("box", "test", {}, None, lambda _: {})
    pipeline = Pipeline(Config(), models.stages, load_active_list(store, models), facts, Pace.of(Config().detect))
    shown: dict[int, list[tuple[float, float, float, float]]] = {}
    for round_ in range(2):
        with open_path(tmp_path / "clip.avi") as source:
            for number, shot in enumerate(source.frames()):
                seconds = round_ * demo_clip.SECONDS + number / demo_clip.FPS
                frame = Frame(number, "door", AT + dt.timedelta(seconds=seconds), round(seconds * 1e9), shot.image)
                faces = pipeline.process(frame).faces
                assert len(faces) <= 1
                if faces:
                    shown.setdefault(number, []).append(faces[0].box)
    assert sum(len(boxes) == 2 for boxes in shown.values()) > 4 * demo_clip.FPS, "seen in both rounds"
    for number, boxes in shown.items():
        center = demo_clip.face_center(number)
        assert center is not None, "somebody is shown before they come"
        x, y = center
        assert all(left < x < right and top < y < bottom for left, top, right, bottom in boxes), number
