"""Faces in view are searched again whenever the list changes, and only then."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edge.config import Config
from edge.enhance import Enhancer
from edge.pipeline import ActiveList, DeviceFacts, Pipeline, Stages
from edge.pipeline.face import TrackedFace
from edge.records import Detections, Frame, Person, Reference

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
ANN, BOB = np.eye(8, dtype=np.float32)[:2]
POINTS = np.array([[18, 30], [48, 30], [33, 48], [22, 66], [45, 66]], np.float32)


class Still:
    """Bob, who stands before the camera and never shows a better face."""

    def detect(self, image: np.ndarray, min_score: float | None = None) -> Detections:
        box = np.array([[100, 100, 166, 186]], np.float32)
        return Detections(box, np.array([0.9], np.float32), (POINTS + 100).astype(np.float32)[np.newaxis])

    def describe(self) -> dict[str, Any]:
        return {}

    def embed(self, crops: np.ndarray) -> np.ndarray:
        return np.stack([BOB for _ in crops])


def people(**vectors: np.ndarray) -> ActiveList:
    listed = [Person(one, one.title(), "x") for one in vectors]
    kept = [Reference(f"r-{one}", one, "0" * 64, vector, "m", {}, "t") for one, vector in vectors.items()]
    return ActiveList.of(listed, kept, len(listed), "d")


@pytest.fixture
def step() -> tuple[Pipeline, Callable[[], Any]]:
    config = Config(recognise={"min_quality": 0.0, "min_similarity": 0.5}, detect={"min_face_px": 16})
    still = Still()
    stages = Stages(still, Enhancer("off"), still)  # type: ignore[arg-type]
    pipeline = Pipeline(config, stages, people(ann=ANN), DeviceFacts("box", "test", {}, None, lambda _: {}))
    image = np.random.default_rng(0).integers(60, 200, (480, 640, 3), dtype=np.uint8)
    numbers = iter(range(10_000))

    def play() -> Any:
        number = next(numbers)
        return pipeline.process(Frame(number, "door", AT + dt.timedelta(seconds=number / 10), number, image))

    return pipeline, play


def test_somebody_enrolled_while_in_view_is_named_in_the_next_frame(step: tuple[Pipeline, Callable[[], Any]]) -> None:
    pipeline, play = step
    before = [play() for _ in range(200)]
    assert not any(done.drafts for done in before)
    pipeline.active_list = people(ann=ANN, bob=BOB)
    done = play()
    assert [draft.hit.person.person_id for draft in done.drafts] == ["bob"]
    assert [face.label for face in done.faces] == ["Bob"]


def test_a_face_between_two_people_is_no_stranger(step: tuple[Pipeline, Callable[[], Any]]) -> None:
    pipeline, play = step
    pipeline.active_list = people(ann=ANN, bob=BOB)
    assert not any(face.is_between for _ in range(20) for face in play().faces)
    pipeline.active_list = people(ann=BOB, bob=BOB)
    done = play()
    assert [(face.label, face.is_between) for face in done.faces] == [(None, True)]
    assert done.drafts == ()


def test_somebody_taken_off_the_list_loses_the_name_in_the_next_frame(
    step: tuple[Pipeline, Callable[[], Any]],
) -> None:
    pipeline, play = step
    pipeline.active_list = people(ann=ANN, bob=BOB)
    named = [play() for _ in range(60)]
    assert named[-1].faces[0].label == "Bob"
    pipeline.active_list = people(ann=ANN)
    assert play().faces[0].label is None
    assert not any(play().drafts for _ in range(40))


def test_without_a_change_nothing_is_searched_again(
    step: tuple[Pipeline, Callable[[], Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, play = step
    for _ in range(60):
        play()
    searched = []
    answer = TrackedFace.answer

    def spy(self: TrackedFace, *given: Any, **more: Any) -> Any:
        searched.append(1)
        return answer(self, *given, **more)

    monkeypatch.setattr(TrackedFace, "answer", spy)
    for _ in range(20):
        play()
    assert not searched
    pipeline.active_list = people(ann=ANN, bob=BOB)
    for _ in range(20):
        play()
    assert len(searched) == 1


def test_somebody_listed_anew_is_an_alert_anew(step: tuple[Pipeline, Callable[[], Any]]) -> None:
    """Whoever was erased has lost the hit of this stay, too: an update of it would be refused."""
    pipeline, play = step

    def told() -> list[tuple[str, bool]]:
        return [(draft.hit.hit_id, draft.is_new) for _ in range(10) for draft in play().drafts]

    pipeline.active_list = people(ann=ANN, bob=BOB)
    [(first, is_new), *updates] = told()
    assert is_new
    pipeline.active_list = people(ann=ANN)
    assert told() == []
    assert first not in {draft.hit.hit_id for draft in pipeline._last_drafts.values()}
    pipeline.active_list = people(ann=ANN, bob=BOB)
    [(again, is_new), *updates] = told()
    assert is_new
    assert again != first
    assert not any(new for _, new in updates)


def test_somebody_whose_hit_is_gone_is_an_alert_anew(step: tuple[Pipeline, Callable[[], Any]]) -> None:
    """Erased and listed anew within a second, so that the list without them was never seen."""
    pipeline, play = step
    pipeline.active_list = people(ann=ANN, bob=BOB)
    first = next(draft.hit for _ in range(10) for draft in play().drafts)
    pipeline.end_visit(dataclasses.replace(first, hit_id="another"))
    assert not any(draft.is_new for _ in range(40) for draft in play().drafts)
    pipeline.end_visit(first)
    again = [draft for _ in range(10) for draft in play().drafts if draft.is_new]
    assert len(again) == 1
    assert again[0].hit.hit_id != first.hit_id


def test_no_picture_of_a_hit_is_held_once_it_was_handed_on(step: tuple[Pipeline, Callable[[], Any]]) -> None:
    pipeline, play = step
    pipeline.active_list = people(bob=BOB)
    assert any(draft.images for _ in range(10) for draft in play().drafts)
    assert [draft.images for draft in pipeline._last_drafts.values()] == [{}]
