"""Whole tracks, scripted: each ends in one outcome; late hits come with the end; a second track is in cooldown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge.config import Config
from edge.enhance import Enhancer
from edge.ops.system.metrics import Metrics
from edge.pipeline import ActiveList, DeviceFacts, Pipeline, Stages, TrackEnd
from edge.records import Detections, Frame, Person, Reason, Reference

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
ANN = np.eye(8, dtype=np.float32)[0]
POINTS = np.array([[18, 30], [48, 30], [33, 48], [22, 66], [45, 66]], np.float32)


class Scripted:
    """A face where the script says, and of whom: `None` for no face."""

    def __init__(self, script: Sequence[tuple[float, float, np.ndarray] | None]) -> None:
        self.script = list(script)
        self.seen: list[np.ndarray] = []

    def detect(self, image: np.ndarray, min_score: float | None = None) -> Detections:
        step = self.script.pop(0)
        if step is None:
            return Detections.empty()
        x, side, vector = step
        self.seen.append(vector)
        scale = side / 66
        box = np.array([[x, 100, x + side, 100 + 1.3 * side]], np.float32)
        return Detections(box, np.array([0.9], np.float32), (POINTS * scale + [x, 100]).astype(np.float32)[np.newaxis])

    def describe(self) -> dict[str, Any]:
        return {}

    def embed(self, crops: np.ndarray) -> np.ndarray:
        return np.stack([self.seen[-1] for _ in crops])


def build(script: Sequence[tuple[float, float, np.ndarray] | None], **recognise: Any) -> Pipeline:
    """A pipeline whose stages play a script."""
    config = Config(recognise={"min_quality": 0.0, "min_similarity": 0.5, **recognise}, detect={"min_face_px": 16})
    active_list = ActiveList.of(
        [Person("ann", "Ann", "x")], [Reference("r", "ann", "0" * 64, ANN, "m", {}, "t")], 1, "d"
    )
    scripted = Scripted(script)
    stages = Stages(scripted, Enhancer("off"), scripted)  # type: ignore[arg-type]
    facts = DeviceFacts("box", "test", {}, None, lambda _: {}, lambda status: {"severity": f"of {status}"})
    return Pipeline(config, stages, active_list, facts)


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(60, 200, (480, 640, 3), dtype=np.uint8)


def frame_of(number: int, image: np.ndarray, fps: float = 25.0) -> Frame:
    return Frame(number, "door", AT + dt.timedelta(seconds=number / fps), round(number / fps * 1e9), image)


def play(
    script: Sequence[tuple[float, float, np.ndarray] | None], **recognise: Any
) -> tuple[list[TrackEnd], list[Any]]:
    """Run a script; the tracks that ended and every draft, in order."""
    pipeline = build(script, **recognise)
    image = noise()
    ended, drafts = [], []
    for number in range(len(script)):
        result = pipeline.process(frame_of(number, image))
        ended += result.ended
        drafts += result.drafts
    ended += pipeline.finish("door")
    return ended, drafts + [draft for end in ended for draft in end.drafts]


def alike(similarity: float) -> np.ndarray:
    return (similarity * ANN + np.sqrt(1 - similarity**2) * np.eye(8)[1]).astype(np.float32)


GONE = [None] * 60


def test_a_long_track_is_a_hit_and_has_no_reason() -> None:
    ended, drafts = play([(100, 80, alike(0.55))] * 20)
    assert [end.reason for end in ended] == [None]
    assert drafts[0].is_new
    assert drafts[0].hit.decision["timing"] == "regular"


def test_a_short_track_is_a_late_hit_with_its_end() -> None:
    ended, drafts = play([(100, 80, alike(0.55))] * 6 + GONE)
    (end,) = ended
    assert (end.reason, len(end.drafts)) == (None, 1)
    assert drafts == list(end.drafts)
    assert drafts[0].hit.decision["timing"] == "late"


def test_a_sure_face_is_an_early_hit() -> None:
    _, drafts = play([(100, 80, alike(0.9))] * 6)
    assert drafts[0].hit.decision["timing"] == "early"
    assert drafts[0].hit.frame_id < 6


def test_the_second_track_of_a_stay_ends_in_cooldown() -> None:
    script = [(100, 80, alike(0.7))] * 20 + GONE + [(400, 80, alike(0.7))] * 20
    ended, drafts = play(script)
    assert [end.reason for end in ended] == [None, Reason.COOLDOWN]
    assert len({draft.hit.hit_id for draft in drafts}) == 1


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ((100, 80, alike(0.1)), Reason.NO_MATCH),
        ((100, 12, alike(0.9)), Reason.TOO_SMALL),
        ((-30, 80, alike(0.9)), Reason.EDGE),
    ],
)
def test_each_other_end_has_its_reason_and_is_counted(step: tuple[float, float, np.ndarray], reason: Reason) -> None:
    ended, drafts = play([step] * 20)
    assert not drafts
    assert [end.reason for end in ended] == [reason]
    metrics = Metrics()
    for end in ended:
        metrics.note_track_end(end.camera, end.reason)
    assert f'edge_tracks_total{{camera="door",outcome="{reason.value}"}} 1.0' in metrics.render().decode()


def test_a_face_seen_once_has_too_low_a_score_for_a_track() -> None:
    ended, _ = play([(100, 80, alike(0.9)), *GONE])
    assert [end.reason for end in ended] == [Reason.LOW_SCORE]


def test_a_hit_says_what_its_status_means_and_the_live_face_names_the_hit() -> None:
    pipeline = build([(100, 80, alike(0.7))] * 30)
    image = np.random.default_rng(0).integers(60, 200, (480, 640, 3), dtype=np.uint8)
    results = [
        pipeline.process(Frame(number, "door", AT + dt.timedelta(seconds=number / 25), number, image))
        for number in range(30)
    ]
    first = next(draft for result in results for draft in result.drafts)
    assert first.hit.attention == {"severity": "of x"}
    assert "one_in" not in first.hit.decision, "nothing was calibrated"
    named = [face for result in results for face in result.faces if face.label]
    assert named
    assert {face.hit_id for face in named[-5:]} == {first.hit.hit_id}
    assert results[0].faces[0].hit_id is None


@pytest.mark.parametrize("when", [0, 12])
def test_a_face_whose_points_are_one_ends_no_service(when: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As some detectors answer: nothing can be aligned there, whether somebody was recognised before or not."""
    script, detect = [(100.0, 66.0, ANN)] * 24, Scripted.detect

    def one_point(self: Scripted, image: np.ndarray, min_score: float | None = None) -> Detections:
        found = detect(self, image, min_score)
        return found if len(self.seen) <= when else replace(found, landmarks=np.full_like(found.landmarks, 120.0))

    monkeypatch.setattr(Scripted, "detect", one_point)
    ended, drafts = play(script)
    assert [end.reason for end in ended] == [None if when else Reason.POSE]
    assert bool(drafts) == bool(when)


BOB = np.eye(8, dtype=np.float32)[3]


@pytest.mark.parametrize("number", [20, 21, 22])
@pytest.mark.parametrize("side", [60, 80])
def test_a_name_never_follows_the_track_to_somebody_else(number: int, side: int) -> None:
    """Between two comparisons one shot of the other was enough, and the mean of the shots resembled both."""
    pipeline = build([(100, 80, alike(0.9))] * number + [(100, side, BOB)] * 12)
    image, named, drafts = noise(), [], []
    for at in range(number + 12):
        result = pipeline.process(frame_of(at, image))
        drafts += result.drafts
        named += [at for face in result.faces if face.label is not None]
    assert named[-1] < number + 6
    assert {draft.hit.person.person_id for draft in drafts} == {"ann"}
    assert max(draft.hit.frame_id for draft in drafts) < number, "the picture is of the other"
    (end,) = pipeline.finish("door")
    assert end.match is None or end.match.person_id is None


@pytest.mark.parametrize("gap", [5, 10])
def test_who_comes_where_a_stranger_was_is_recognised(gap: int) -> None:
    """Within half a second, so that the track goes on; the stranger's face was as good as this one is."""
    ended, drafts = play([(100, 80, BOB)] * 20 + [None] * gap + [(100, 80, alike(0.7))] * 20)
    assert [end.match and end.match.person_id for end in ended] == [None, "ann"]
    assert next(draft.hit.frame_id for draft in drafts if draft.is_new) >= 20 + gap


def test_a_camera_of_one_frame_a_second_is_compared_at_each() -> None:
    pipeline = build([(100, 80, alike(0.9))] * 12 + [(100, 80, BOB)] * 4)
    results = [pipeline.process(frame_of(at, noise(), fps=1.0)) for at in range(16)]
    named = [at for at, result in enumerate(results) for face in result.faces if face.label is not None]
    assert named[-1] == 11


def test_a_face_that_was_hidden_for_a_moment_goes_on() -> None:
    ended, drafts = play([(100, 80, alike(0.7))] * 20 + [None] * 8 + [(100, 80, alike(0.7))] * 20)
    assert [end.match and end.match.person_id for end in ended] == ["ann"]
    assert sum(draft.is_new for draft in drafts) == 1
