"""Two pictures of a camera that lost its scene: the right ones, with no face, and the item that carries them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import pytest

from edge.app.build import Models
from edge.app.health.camera_news import WAIT_S, CameraNews
from edge.app.health.evidence import BEFORE_S, KEEP_EVERY_S, SceneEvidence, ScenePictures
from edge.app.selfcheck import demo_clip
from edge.capture.pictures.images import decode_image
from edge.config import CameraConfig
from edge.pixels.faces.geometry import align
from edge.records import CameraHealth, CameraState, Detections, Frame

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
STRANGERS = 0.3


class Door:
    """A camera whose state the test sets."""

    def __init__(self) -> None:
        self.config = CameraConfig(name="door", source="file:none.mp4")
        self.now = CameraHealth("door", CameraState.LIVE, AT, "told", 1, 0)

    def turn(self, state: CameraState, since: dt.datetime = AT) -> CameraHealth:
        self.now = dataclasses.replace(self.now, state=state, since=since)
        return self.now

    def health(self) -> CameraHealth:
        return self.now


def flat(level: int) -> np.ndarray:
    return np.full((120, 160, 3), level, np.uint8)


def note(evidence: SceneEvidence, image: np.ndarray, at_s: float) -> None:
    frame = Frame(1, "door", AT, int(at_s * 1e9), image)
    evidence.note_frame(frame, Detections.empty(), ())


def levels(pictures: ScenePictures | None) -> dict[str, int]:
    """The brightness of each picture."""
    assert pictures is not None
    return {
        role: round(float(decode_image(pictures.images[sha256], role).mean()))
        for role, sha256 in pictures.names.items()
    }


def test_the_picture_before_is_from_before_the_fault_began_to_show() -> None:
    door = Door()
    evidence = SceneEvidence([door], None)
    for second in range(0, 100, 5):
        note(evidence, flat(second), second)
    note(evidence, flat(200), 96)
    covered = door.turn(CameraState.COVERED)
    assert evidence.pictures_of(covered) is None
    note(evidence, flat(210), 100)
    note(evidence, flat(220), 105)
    found = levels(evidence.pictures_of(covered))
    assert found["now"] == 210, "the first frame of the state, not a later one"
    assert 100 - BEFORE_S - KEEP_EVERY_S <= found["before"] <= 100 - BEFORE_S


def test_each_state_has_its_own_and_a_bad_picture_is_never_the_one_before() -> None:
    door = Door()
    evidence = SceneEvidence([door], None)
    note(evidence, flat(10), 0)
    covered = door.turn(CameraState.COVERED)
    for second in range(5, 100, 5):
        note(evidence, flat(150), second)
    dark = door.turn(CameraState.DARK, AT + dt.timedelta(seconds=100))
    assert evidence.pictures_of(dark) is None
    note(evidence, flat(3), 101)
    assert levels(evidence.pictures_of(dark)) == {"now": 3, "before": 10}
    assert evidence.pictures_of(covered) is None
    again = door.turn(CameraState.DARK, AT + dt.timedelta(seconds=300))
    assert evidence.pictures_of(again) is None, "the same state at another time is another change"


def test_a_camera_that_was_dark_from_the_start_has_no_picture_before() -> None:
    """Until a fault is told the camera counts as live: its first pictures show the fault already."""
    door = Door()
    evidence = SceneEvidence([door], None)
    for second in range(6):
        note(evidence, flat(2), second)
    dark = door.turn(CameraState.DARK)
    note(evidence, flat(3), 6)
    assert levels(evidence.pictures_of(dark)) == {"now": 3}


def test_forgotten_pictures_are_never_shown() -> None:
    door = Door()
    evidence = SceneEvidence([door], None)
    note(evidence, flat(10), 0)
    evidence.forget("door")
    moved = door.turn(CameraState.MOVED)
    note(evidence, flat(50), 60)
    assert levels(evidence.pictures_of(moved)) == {"now": 50}


def test_no_face_can_be_recognised_in_either(models: Models) -> None:
    """The frames were not searched, as while nothing moves: the pictures are searched when they are made."""
    portrait = demo_clip.portrait()
    searcher = models.stages.bystander_searcher
    assert searcher is not None
    known = searcher.detect(portrait)
    assert len(known) == 1
    enrolled = models.stages.embedder.embed(align(portrait, known.landmarks[0])[np.newaxis])[0]
    door = Door()
    evidence = SceneEvidence([door], searcher)
    note(evidence, portrait, 0)
    blurred = door.turn(CameraState.DEFOCUSED)
    shown = {"before": portrait, "now": cv2.GaussianBlur(portrait, (0, 0), 1.5)}
    note(evidence, shown["now"], 60)
    pictures = evidence.pictures_of(blurred)
    assert pictures is not None
    assert set(pictures.names) == {"now", "before"}
    for role, sha256 in pictures.names.items():
        image = decode_image(pictures.images[sha256], role)
        assert image.shape == portrait.shape
        assert len(searcher.detect(image)) == 0
        face = models.stages.embedder.embed(align(image, known.landmarks[0])[np.newaxis])[0]
        assert float(face @ enrolled) < STRANGERS, role
        is_there = np.abs(image.astype(int) - shown[role]).max(axis=2) < 16
        assert is_there.mean() > 0.4, "the scene itself is still there"


class Sent:
    """Takes what is sent."""

    def __init__(self) -> None:
        self.items: list[tuple[Mapping[str, Any], Mapping[str, bytes] | None]] = []

    def __call__(self, kind: str, body: Mapping[str, Any], images: Mapping[str, bytes] | None) -> None:
        assert kind == "health"
        self.items.append((body, images))

    def states(self) -> list[tuple[str, bool]]:
        return [(body["state"], "pictures" in body) for body, _ in self.items]


def test_an_item_waits_for_its_pictures_and_no_longer_than_a_moment() -> None:
    door, sent = Door(), Sent()
    made: dict[CameraState, ScenePictures] = {}
    news = CameraNews(sent, lambda health: made.get(health.state))
    news.tell([door.turn(CameraState.LIVE)], 0)
    assert sent.states() == [("live", False)]
    news.tell([door.turn(CameraState.COVERED)], 1)
    news.tell([door.now], 2)
    assert len(sent.items) == 1
    made[CameraState.COVERED] = ScenePictures({"now": "a"}, {"a": b"jpeg"})
    news.tell([door.now], 2.5)
    assert sent.items[1][0]["pictures"] == {"now": "a"}
    assert sent.items[1][1] == {"a": b"jpeg"}
    news.tell([door.now], 60)
    news.tell([door.turn(CameraState.FROZEN)], 61)
    news.tell([door.now], 61 + WAIT_S)
    assert sent.states()[2:] == [("frozen", False)], "late pictures don't keep an item back"


def test_what_the_camera_has_logged_is_not_logged_again(caplog: pytest.LogCaptureFixture) -> None:
    door, news = Door(), CameraNews(Sent(), lambda health: None)
    caplog.set_level(logging.INFO)
    for state in (CameraState.STARTING, CameraState.LIVE, CameraState.STALLED):
        news.tell([door.turn(state)], 0)
    assert not caplog.records


def test_a_state_that_ends_while_it_waits_is_told_before_the_next() -> None:
    door, sent = Door(), Sent()
    news = CameraNews(sent, lambda health: None)
    news.tell([door.turn(CameraState.MOVED)], 0)
    news.tell([door.turn(CameraState.STALLED)], 1)
    news.tell([door.now], 10)
    assert sent.states() == [("moved", False), ("stalled", False)]
