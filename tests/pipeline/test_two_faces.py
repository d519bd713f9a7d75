"""Both faces are scored: what a hit says where the enhanced face made the difference, and where the two disagree."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.config import RecogniseConfig, RuntimeConfig
from edge.enhance import Benefit, Enhancer, Networks
from edge.enhance.benefit import Shown
from edge.enhance.scoring import cut
from edge.pipeline.active_list import ActiveList
from edge.pipeline.face import TrackedFace
from edge.pipeline.limits import MatchLimits
from edge.pipeline.two_faces import recognition_recipe, two_faces_json
from edge.pixels.faces.geometry import ARCFACE_POINTS
from edge.pixels.hashing import pixel_sha256
from edge.records import Frame, Person, Reference, Track, TrackState
from edge.serve.page.wording.language import Translate
from edge.serve.page.wording.words import Words
from edge.sessions import Pack
from tests.support.models.tiny_pictures import picture_pack
from tests.support.web import make_hit

ANN, BEN = np.eye(4, dtype=np.float32)[:2]
AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
LIMIT = MatchLimits("color", 0.6, 0.7, 0.05, "configuration", "")


class Script:
    """An embedder that sees `original` in the first face of a call and `enhanced` in the second."""

    def __init__(self, original: np.ndarray, enhanced: np.ndarray) -> None:
        self.vectors = np.stack([original, enhanced]).astype(np.float32)

    def embed(self, crops: Any) -> np.ndarray:
        return self.vectors[: len(crops)]


@pytest.fixture(scope="module")
def enhancer(tmp_path_factory: pytest.TempPathFactory) -> Enhancer:
    networks = Networks(Pack.open(picture_pack(tmp_path_factory.mktemp("pack"))), RuntimeConfig(threads=1))
    shown = Shown(step="denoise", fault="noise", min_level=1, max_level=5, gain=0.02, least=0.01)
    return Enhancer("auto", networks=networks, benefit=Benefit((shown,), 0.1, None))


def leaning(towards: np.ndarray, similarity: float) -> np.ndarray:
    rest = np.array([0, 0, 0, 1], np.float32)
    return np.asarray(similarity * towards + np.sqrt(1 - similarity**2) * rest, np.float32)


def seen(enhancer: Enhancer | None, original: np.ndarray, enhanced: np.ndarray) -> TrackedFace:
    image = np.random.default_rng(0).integers(0, 255, (112, 112, 3), dtype=np.uint8)
    face = TrackedFace(RecogniseConfig(min_shots=1, min_quality=0.0))
    frame = Frame(0, "door", AT, 0, image)
    track = Track(1, TrackState.CONFIRMED, (14.0, 14.0, 98.0, 98.0), 0.9, ARCFACE_POINTS, 0, 0, 5, 0)
    assert face.add_shot(frame, track, 16, Script(original, enhanced), None, enhancer)  # type: ignore[arg-type]
    people = [Person("ann", "Ann", "x"), Person("ben", "Ben", "x")]
    references = [
        Reference(f"r{p.person_id}", p.person_id, "0", v, "m", {}, "") for p, v in zip(people, (ANN, BEN), strict=True)
    ]
    face.answer(ActiveList.of(people, references, 1, "d"), {"color": LIMIT, "gray": LIMIT})
    return face


def test_without_a_shown_step_the_original_decides(enhancer: Enhancer) -> None:
    face = seen(None, leaning(ANN, 0.9), ANN)
    assert face.match is not None
    assert (face.match.person_id, face.found_on, face.match.similarity_enhanced) == ("ann", "original", None)


def test_both_faces_are_scored_and_kept(enhancer: Enhancer) -> None:
    face = seen(enhancer, leaning(ANN, 0.8), leaning(ANN, 0.95))
    assert face.match is not None
    assert (face.match.person_id, face.found_on) == ("ann", "both")
    assert face.match.similarity_original == pytest.approx(0.8, abs=1e-3)
    assert face.match.similarity_enhanced == face.match.similarity > 0.85


def test_a_match_on_the_enhanced_face_alone_says_so(enhancer: Enhancer) -> None:
    face = seen(enhancer, leaning(ANN, 0.5), ANN)
    assert face.match is not None
    assert (face.match.person_id, face.found_on) == ("ann", "enhanced")
    assert face.match.similarity_original == pytest.approx(0.5, abs=1e-3)


def test_an_enhanced_face_that_turns_into_somebody_else_does_not_decide_alone(enhancer: Enhancer) -> None:
    face = seen(enhancer, leaning(ANN, 0.7), leaning(BEN, 0.7))
    assert face.match is not None
    assert face.match.person_id is None


def test_what_a_hit_says_of_its_two_faces(enhancer: Enhancer) -> None:
    assert two_faces_json("original", None, 0.1) == {
        "found_on": "original",
        "disagrees": False,
        "difference": None,
        "limit": 0.1,
    }
    assert two_faces_json("both", (0.7, 0.55), 0.1) == {
        "found_on": "both",
        "disagrees": True,
        "difference": -0.15,
        "limit": 0.1,
    }
    assert not two_faces_json("enhanced", (0.5, 0.55), 0.1)["disagrees"]
    found, box = np.full((112, 112, 3), 90, np.uint8), np.array([20, 20, 92, 92], np.float32)
    face = seen(enhancer, ANN, ANN)
    plan = recognition_recipe(found, ARCFACE_POINTS, box, face.recipe, enhancer)
    assert [(step["name"], step["input_sha256"]) for step in plan["steps"]] == [
        ("denoise", pixel_sha256(cut(found, box)[0]))
    ]
    assert {step["name"] for step in plan["skipped"]} == {"lime", "deblur", "restore", "sr2", "sr4"}


def test_the_page_tells_the_guard() -> None:
    hit = make_hit(1)[0]
    words = Words(Translate("en"))
    plain = dataclasses.replace(hit, similarity=0.6, similarity_original=0.6, similarity_enhanced=0.6, enhancement={})
    alone = dataclasses.replace(plain, enhancement=two_faces_json("enhanced", (0.5, 0.7), 0.1))
    assert {doubt[:20] for doubt in set(words.doubts(alone)) - set(words.doubts(plain))} == {
        "The similarity rests",
        "The similarities of ",
    }


def test_what_was_drawn_is_labelled_in_the_kept_file(tmp_path: Path) -> None:
    from edge.enhance import plan_steps
    from edge.enhance.labels import enhanced_png

    networks = Networks(Pack.open(picture_pack(tmp_path)), RuntimeConfig(threads=1))
    image = np.full((20, 20, 3), 90, np.uint8)
    done, recipe = Enhancer("auto", networks=networks).apply(image, plan_steps(["restore"]))
    assert b"never before the camera" in enhanced_png(done, recipe)
    done, recipe = Enhancer("auto", networks=networks).apply(image, plan_steps(["denoise"]))
    assert b"Comment" not in enhanced_png(done, recipe)
