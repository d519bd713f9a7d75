"""Only what was shown to help is done for recognition; findings of other models count for nothing."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.config import PACKAGED_MODELS, RuntimeConfig
from edge.enhance import BENEFIT_FILE, GENERATIVE, STEPS, Benefit, Enhancer, Networks, score_face
from edge.enhance.benefit import BenefitFile, Shown, hashes_of, read_benefit, stale_parts
from edge.pixels.faces.geometry import ARCFACE_POINTS
from edge.pixels.hashing import pixel_sha256
from edge.pixels.resize import resize
from edge.records import Quality
from edge.sessions import Pack
from tests.support.models.tiny_pictures import picture_pack

BOX = np.array([0, 0, 112, 112], np.float32)
NOISY = Quality(0.7, 0.5, 0.05, 0.0, 30.0, 50.0, {})


def shown(step: str = "denoise", fault: str = "noise", low: int = 1) -> Shown:
    return Shown(step=step, fault=fault, min_level=low, max_level=5, gain=0.02, least=0.01)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return Pack.open(picture_pack(tmp_path_factory.mktemp("pack")))


def enhancer(pack: Pack, *found: Shown) -> Enhancer:
    networks = Networks(pack, RuntimeConfig(threads=1))
    return Enhancer("auto", networks=networks, benefit=Benefit(found, 0.1, None))


def test_the_packs_benefit_belongs_to_its_models() -> None:
    """Write it anew after a change of models: edge eval restore --write-benefit, as docs/enhancement.md says."""
    held = BenefitFile.model_validate(json.loads((PACKAGED_MODELS / BENEFIT_FILE).read_text("utf-8")))
    assert stale_parts(held, hashes_of(Pack.open(PACKAGED_MODELS))) == []
    assert not any(one.step in GENERATIVE for one in held.shown)


def test_only_shown_steps_are_done_for_recognition(pack: Pack) -> None:
    plan = enhancer(pack, shown()).plan(NOISY, for_recognition=True)
    assert [step.name for step in plan.steps] == ["denoise"]
    reasons = {step.name: step.reason for step in plan.skipped}
    assert reasons["deblur"] == "for viewing only: not shown to help recognition with noise at level 3"
    assert reasons["sr4"] == "for viewing only: it invents detail"
    assert enhancer(pack, shown(low=4)).plan(NOISY, for_recognition=True).steps == ()
    assert enhancer(pack, shown("restore", "noise")).plan(NOISY, for_recognition=True).steps == ()
    best = Shown(step="lime", fault="noise", min_level=1, max_level=5, gain=0.03, least=0.01)
    plan = enhancer(pack, shown(), best).plan(NOISY, for_recognition=True)
    assert [step.name for step in plan.steps] == ["lime"]


def test_what_another_fault_forbids_is_not_done_for_recognition(pack: Pack) -> None:
    blurred = dataclasses.replace(NOISY, sharpness=0.3, noise=0.005)
    allowed = enhancer(pack, shown("deblur", "blur"))
    assert [step.name for step in allowed.plan(blurred, for_recognition=True).steps] == ["deblur"]
    for changes, why in (
        ({"noise": 0.05}, "noise at level 3 would be sharpened, too"),
        ({"blockiness": 0.6}, "blocks at level 2 would be sharpened, too"),
        ({"eye_distance_px": 15.0}, "the face is soft because it is small, not because it is out of focus"),
    ):
        plan = allowed.plan(dataclasses.replace(blurred, **changes), for_recognition=True)  # type: ignore[arg-type]
        assert {step.name: step.reason for step in plan.skipped}["deblur"] == f"for viewing only: {why}"


def test_a_face_is_scored_as_captured_and_enhanced(pack: Pack) -> None:
    image = np.random.default_rng(0).integers(0, 255, (112, 112, 3), dtype=np.uint8)
    scored = score_face(image, ARCFACE_POINTS, BOX, enhancer(pack, shown()))
    assert np.array_equal(scored.original, image)
    assert scored.enhanced is not None
    assert scored.enhanced.shape == image.shape
    assert [step.name for step in scored.recipe.steps] == ["denoise"]
    assert score_face(image, ARCFACE_POINTS, BOX, enhancer(pack)).enhanced is None


@pytest.mark.parametrize("times", [1, 3])
def test_blur_is_undone_at_one_scale_whatever_the_size_of_the_face(pack: Pack, times: int) -> None:
    small = np.random.default_rng(0).integers(0, 255, (9, 9, 3), dtype=np.uint8)
    image = resize(small, 112 * times, 112 * times)
    scored = score_face(image, ARCFACE_POINTS * times, BOX * times, enhancer(pack, shown("deblur", "blur")))
    assert scored.enhanced is not None
    (step,) = scored.recipe.steps
    assert (step.name, step.input_sha256) == ("deblur", pixel_sha256(scored.original))
    assert step.output_sha256 == pixel_sha256(scored.enhanced)


def write(pack: Pack, **changes: Any) -> None:
    steps = {name: kind.version for name, kind in STEPS.items()}
    told = {"version": 1, "models": hashes_of(pack), "steps": steps, "shown": [shown().model_dump()]}
    (pack.models_dir / BENEFIT_FILE).write_text(json.dumps({**told, "disagreement": 0.2, **changes}), "utf-8")


def test_what_was_measured_with_other_models_counts_for_nothing(tmp_path: Path) -> None:
    pack = Pack.open(picture_pack(tmp_path / "pack"))
    assert "missing" in str(read_benefit(pack).problem)
    write(pack)
    assert read_benefit(pack) == Benefit((shown(),), 0.2, None)
    for task in ("embed", "denoise"):
        write(pack, models={**hashes_of(pack), task: "0" * 64})
        assert task in str(read_benefit(pack).problem)
        assert read_benefit(pack).shown == ()
    write(pack, models={task: hashes_of(pack)[task] for task in ("detect", "embed")})
    assert read_benefit(pack).problem is None, "a step that came later was not tried, and is not shown"
    write(pack, models={"detect": hashes_of(pack)["detect"]})
    assert "embed" in str(read_benefit(pack).problem)
    write(pack, steps={**{name: kind.version for name, kind in STEPS.items()}, "lime": 99})
    assert "version of lime" in str(read_benefit(pack).problem)
    (pack.models_dir / BENEFIT_FILE).write_text("{", "utf-8")
    assert "can't be read" in str(read_benefit(pack).problem)
