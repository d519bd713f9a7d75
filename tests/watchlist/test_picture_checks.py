"""Enrolment checks: each refusal has its reason and numbers; the best frames of a video are spread and diverse."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from edge.records import Detections, Quality
from edge.serve.page.wording.sayings import sayings_of
from edge.watchlist import Candidate, EnrolLimits, OtherPeople, RefusalReason, check_pictures, choose_best


def faces(*widths: float) -> Detections:
    boxes = np.array([[10, 10, 10 + w, 10 + 1.2 * w] for w in widths], np.float32).reshape(-1, 4)
    return Detections(boxes, np.full(len(widths), 0.9, np.float32), np.zeros((len(widths), 5, 2), np.float32))


def quality(
    score: float = 90.0, *, eyes: float = 40.0, yaw: float = 0.0, sharp: float = 1.0, luma: float = 1.0
) -> Quality:
    parts = {"sharpness": sharp, "luma": luma, "noise": 1.0, "pose": 1.0, "size": 1.0}
    return Quality(0.7 * sharp, 0.5 * luma, 0.002, yaw, eyes, score, parts)


def at_angle(degrees: float) -> np.ndarray:
    """Unit vectors whose similarity is the cosine of the angle between them."""
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0], np.float32)


def candidate(
    name: str = "a.jpg",
    angle: float = 0.0,
    q: Quality | None = None,
    found: Detections | None = None,
    at_s: float | None = None,
) -> Candidate:
    return Candidate(name, faces(80) if found is None else found, q or quality(), at_angle(angle), at_s)


def test_a_good_picture_is_accepted() -> None:
    (verdict,) = check_pictures([candidate()])
    assert verdict.ok
    assert verdict.reason is None


@pytest.mark.parametrize(
    ("picture", "reason", "number"),
    [
        (Candidate("x", Detections.empty()), RefusalReason.NO_FACE, None),
        (candidate(found=faces(80, 60)), RefusalReason.SEVERAL_FACES, "second_face"),
        (candidate(q=quality(eyes=19.9)), RefusalReason.TOO_SMALL, "eye_distance_px"),
        (candidate(q=quality(yaw=-41)), RefusalReason.POSE, "yaw_deg"),
        (candidate(q=quality(luma=0.2)), RefusalReason.EXPOSURE, "luma"),
        (candidate(q=quality(sharp=0.2)), RefusalReason.BLUR, "sharpness"),
    ],
)
def test_each_fault_has_its_reason(picture: Candidate, reason: RefusalReason, number: str | None) -> None:
    (verdict,) = check_pictures([picture])
    assert verdict.reason is reason
    assert ";" in verdict.message, "what is wrong; what to do"
    assert number is None or number in verdict.numbers


def test_a_small_face_in_the_background_does_not_matter() -> None:
    assert check_pictures([candidate(found=faces(30, 80))])[0].ok


def test_the_odd_one_out_is_refused_wherever_it_stands() -> None:
    for odd in range(3):
        angles = [0.0, 20.0, 30.0]
        angles[odd] = 120.0
        verdicts = check_pictures([candidate(f"{i}.jpg", angle) for i, angle in enumerate(angles)])
        assert [v.reason for v in verdicts] == [RefusalReason.UNLIKE_OTHERS if i == odd else None for i in range(3)]
        assert verdicts[odd].numbers["similarity"] < 0.25


def test_of_two_that_disagree_the_better_stays() -> None:
    verdicts = check_pictures([candidate("poor", 0, quality(40)), candidate("good", 120, quality(90))])
    assert [v.reason for v in verdicts] == [RefusalReason.UNLIKE_OTHERS, None]


def test_enrolled_pictures_outvote_new_ones() -> None:
    enrolled = np.stack([at_angle(0)])
    verdicts = check_pictures([candidate("a", 100), candidate("b", 110), candidate("c", 15)], enrolled=enrolled)
    assert [v.ok for v in verdicts] == [False, False, True]


def test_the_same_picture_twice_is_refused_once() -> None:
    verdicts = check_pictures([candidate("a", 0, quality(80)), candidate("b", 1, quality(90)), candidate("c", 30)])
    assert [v.reason for v in verdicts].count(RefusalReason.NEAR_DUPLICATE) == 1
    assert verdicts[2].ok
    assert check_pictures([candidate()], enrolled=np.stack([at_angle(0)]))[0].reason is RefusalReason.NEAR_DUPLICATE


def test_a_refused_picture_does_not_speak_against_others() -> None:
    """A blurred stranger must not make the person's own picture look unlike the others."""
    verdicts = check_pictures([candidate("blurred", 120, quality(sharp=0.1)), candidate("own", 0)])
    assert [v.reason for v in verdicts] == [RefusalReason.BLUR, None]


def test_limits_can_be_set() -> None:
    assert not check_pictures([candidate(q=quality(eyes=40))], EnrolLimits(min_eye_distance_px=50))[0].ok


def test_best_frames_are_good_spread_and_different() -> None:
    """100 frames: quality peaks in one second, yet the chosen ones are not all from there."""
    frames = [candidate(f"#{i}", 0.4 * i, quality(95 if 40 <= i < 65 else 90), at_s=i / 25) for i in range(100)]
    chosen, verdicts = choose_best(frames, 4)
    assert len(chosen) == 4
    assert all(v.ok for v in verdicts)
    assert 40 <= int(chosen[0].source[1:]) < 65
    times = sorted(c.at_s or 0.0 for c in chosen)
    assert min(b - a for a, b in pairwise(times)) > 0.4
    assert [c.source for c in choose_best(frames, 4)[0]] == [c.source for c in chosen], "the same every time"


def test_bad_frames_are_never_chosen_and_few_are_enough() -> None:
    frames = [candidate("good", 0, at_s=0.0), candidate("blurred", 5, quality(sharp=0.1), at_s=1.0)]
    chosen, verdicts = choose_best(frames, 5)
    assert [c.source for c in chosen] == ["good"]
    assert [v.reason for v in verdicts] == [None, RefusalReason.BLUR]
    assert choose_best([], 5) == ([], [])


def test_a_passer_by_in_the_video_is_not_enrolled() -> None:
    frames = [candidate(f"own{i}", 2.0 * i, at_s=float(i)) for i in range(6)]
    frames.insert(3, candidate("passer-by", 150, quality(100), at_s=2.5))
    chosen, verdicts = choose_best(frames, 7)
    assert "passer-by" not in {c.source for c in chosen}
    assert verdicts[3].reason is RefusalReason.UNLIKE_OTHERS


def test_somebody_elses_look_alike_is_refused_and_named() -> None:
    others = OtherPeople(np.stack([at_angle(90), at_angle(20)]), ["far", "near"])
    (verdict,) = check_pictures([candidate("a", 0)], others=others)
    assert verdict.reason is RefusalReason.LOOK_ALIKE
    assert verdict.message.endswith(": near")
    (verdict,) = check_pictures([candidate("a", 0)], others=others._replace(names={"near": "Ann Smith"}))
    assert verdict.message.endswith(": Ann Smith (near)")
    assert verdict.numbers["similarity"] == pytest.approx(np.cos(np.radians(20)), abs=1e-5)
    assert check_pictures([candidate("a", 0)], others=OtherPeople(np.stack([at_angle(80)]), ["far"]))[0].ok
    best, verdicts = choose_best([candidate("a", 0)], others=others)
    assert (best, verdicts[0].reason) == ([], RefusalReason.LOOK_ALIKE)


def test_a_planted_picture_of_somebody_else_is_caught_by_both_checks() -> None:
    """Six of one person and one of another, who is on the list, or is not."""
    pictures = [candidate(f"{i}", 11 * i) for i in range(6)] + [candidate("planted", 150)]
    assert [v.candidate.source for v in check_pictures(pictures) if not v.ok] == ["planted"]
    verdicts = check_pictures(pictures, others=OtherPeople(np.stack([at_angle(165)]), ["other"]))
    assert [v.reason for v in verdicts if not v.ok] == [RefusalReason.LOOK_ALIKE]


@pytest.mark.parametrize(
    ("similarity", "is_taken", "is_asked"),
    [(0.29, False, False), (0.31, True, True), (0.41, True, True), (0.43, True, False)],
)
def test_a_picture_that_may_show_somebody_else_is_asked_about(
    similarity: float, is_taken: bool, is_asked: bool
) -> None:
    other = candidate("b.jpg", float(np.degrees(np.arccos(similarity))), quality(80))
    first, second = check_pictures([candidate("a.jpg"), other])
    assert (first.ok, first.note) == (True, "")
    assert second.ok is is_taken
    assert bool(second.note) is is_asked
    (alone,) = check_pictures([other], enrolled=np.stack([at_angle(0)]))
    assert (alone.ok, alone.note) == (is_taken, second.note)
    if is_asked:
        assert f"(similarity {similarity:.2f}); make sure that it shows the same person" in second.note
        assert sayings_of("de").say(second.note) is not None
