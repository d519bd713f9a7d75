"""A single picture is judged at once, by limits of its own; a recording still needs its shots."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from edge.config import Config
from edge.enhance import Enhancer
from edge.pipeline import ActiveList, DeviceFacts, Stages
from edge.pipeline.limits import EARLY_EXTRA_SIMILARITY, STILL_EXTRA_SIMILARITY, limits_of, still_limits_of
from edge.pipeline.stills import Stills
from edge.records import Detections, Frame, Person, Reason, Reference
from edge.watchlist.calibration import calibrate

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
DIM = 64
ANN, BOB = np.eye(DIM, dtype=np.float32)[:2]
POINTS = np.array([[18, 30], [48, 30], [33, 48], [22, 66], [45, 66]], np.float32)
CONFIG = Config(
    recognise={"min_quality": 0.0, "min_similarity": 0.5, "min_margin": 0.06},
    detect={"min_face_px": 16, "min_score": 0.6},
)


def like(person: np.ndarray, similarity: float) -> np.ndarray:
    """A unit vector that has this cosine to a person's."""
    return (similarity * person + np.sqrt(1 - similarity**2) * np.eye(DIM)[9]).astype(np.float32)


class Scripted:
    """Faces side by side, each 70 px wide, and whose embedding each has."""

    def __init__(self, vectors: Sequence[np.ndarray], scores: Sequence[float] = ()) -> None:
        self.vectors = list(vectors)
        self.scores = list(scores) or [0.9] * len(vectors)

    def detect(self, image: np.ndarray, min_score: float | None = None) -> Detections:
        lefts = [20 + 120 * number for number in range(len(self.vectors))]
        boxes = np.array([[x, 100, x + 70, 190] for x in lefts], np.float32).reshape(-1, 4)
        points = np.array([POINTS + np.array([x, 100]) for x in lefts], np.float32).reshape(-1, 5, 2)
        return Detections(boxes, np.array(self.scores, np.float32), points)

    def describe(self) -> dict[str, Any]:
        return {}

    def embed(self, crops: np.ndarray) -> np.ndarray:
        return np.stack([self.vectors.pop(0) if self.vectors else ANN for _ in crops])


def people(*ids: str, expires: dt.datetime | None = None) -> ActiveList:
    vectors = {"ann": ANN, "bob": BOB}
    listed = [Person(one, one.title(), "x", expires) for one in ids]
    return ActiveList.of(listed, [Reference(f"r-{o}", o, "0" * 64, vectors[o], "m", {}, "t") for o in ids], 1, "d")


def judge(scripted: Scripted, active: ActiveList) -> Any:
    stages = Stages(scripted, Enhancer("off"), scripted)  # type: ignore[arg-type]
    stills = Stills(CONFIG, stages, active, DeviceFacts("box", "test", {}, None, lambda _: {}))
    image = np.random.default_rng(0).integers(60, 200, (480, 640, 3), dtype=np.uint8)
    return stills.process(Frame(0, "picture", AT, 0, image))


def test_one_picture_is_enough() -> None:
    done = judge(Scripted([like(ANN, 0.9), like(BOB, 0.95)]), people("ann", "bob"))
    assert [draft.hit.person.person_id for draft in done.drafts] == ["ann", "bob"]
    hit = done.drafts[0].hit
    assert hit.decision["timing"] == "one_picture"
    assert {gate["gate"]: gate["limit"] for gate in hit.decision["gates"]}["shots"] == 1
    assert (hit.visit.first_at, hit.visit.last_at, hit.visit.seen_count) == (AT, AT, 1)
    assert [(end.reason, end.num_shots) for end in done.ended] == [(None, 1), (None, 1)]
    assert [face.label for face in done.faces] == ["Ann", "Bob"]


def test_strangers_and_doubtful_faces_get_a_reason() -> None:
    limit = still_limits_of(CONFIG.recognise, people("ann"))["color"].min_similarity
    done = judge(Scripted([like(ANN, limit - 0.005), like(ANN, 0.1)]), people("ann"))
    assert done.drafts == ()
    assert [end.reason for end in done.ended] == [Reason.NO_MATCH, Reason.NO_MATCH]
    done = judge(Scripted([like(ANN, limit + 0.005)]), people("ann"))
    assert len(done.drafts) == 1
    done = judge(Scripted([(ANN + BOB) / np.float32(2**0.5)]), people("ann", "bob"))
    assert [end.reason for end in done.ended] == [Reason.BELOW_MARGIN]
    done = judge(Scripted([ANN], scores=[0.4]), people("ann"))
    assert (done.drafts, done.ended) == ((), ())


def test_a_person_twice_in_one_picture_is_one_hit() -> None:
    done = judge(Scripted([like(ANN, 0.7), like(ANN, 0.9)]), people("ann"))
    assert [round(draft.hit.similarity, 2) for draft in done.drafts] == [0.9]
    assert [end.reason for end in done.ended] == [Reason.COOLDOWN, None]


def test_an_expired_entry_never_matches() -> None:
    done = judge(Scripted([ANN]), people("ann", expires=AT))
    assert done.drafts == ()
    assert [end.reason for end in done.ended] == [Reason.EXPIRED_ENTRY]


@pytest.mark.parametrize("is_calibrated", [False, True])
def test_the_limits_of_one_picture_are_stricter(is_calibrated: bool) -> None:
    active = people("ann", "bob")
    if is_calibrated:
        rng = np.random.default_rng(0)
        strangers = rng.standard_normal((3000, DIM))
        strangers = (strangers / np.linalg.norm(strangers, axis=1, keepdims=True)).astype(np.float32)
        made = calibrate(active.gallery, {"color": strangers}, 0.0)
        active = dataclasses.replace(active, calibration=made)
    settings = CONFIG.recognise.model_copy(update={"min_similarity": 0.3})
    usual, still = limits_of(settings, active)["color"], still_limits_of(settings, active)["color"]
    assert usual.min_similarity < still.min_similarity <= usual.min_similarity + EARLY_EXTRA_SIMILARITY
    assert still.min_margin == usual.min_margin
    if active.calibration is None:
        assert still.min_similarity == usual.min_similarity + STILL_EXTRA_SIMILARITY
    else:
        tail = active.calibration.tails["color"]
        assert tail.bound(still.min_similarity) <= tail.bound(usual.min_similarity) / 2 * 1.001
        assert still.expected_false_alerts != usual.expected_false_alerts
