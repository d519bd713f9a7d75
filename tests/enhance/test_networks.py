"""Learned steps: any size, no seams, colors and gray kept, and recipes that name the model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config import RuntimeConfig
from edge.enhance import STEPS, Enhancer, Networks, plan_steps, recipe_from_json, recipe_to_json, redo, replay
from edge.enhance import networks as module
from edge.errors import ImageError, ModelError
from edge.pixels.luma import luma_255
from edge.pixels.measures import metrics
from edge.recipes import Recipe
from edge.sessions import Pack
from tests.support.models.tiny_pictures import picture_bytes, picture_entry, picture_pack, write_pack

RUNTIME = RuntimeConfig(threads=1)
LEARNED = [name for name, kind in STEPS.items() if kind.learned]


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Networks:
    return Networks(Pack.open(picture_pack(tmp_path_factory.mktemp("pack"))), RUNTIME)


def picture(height: int, width: int, seed: int = 0, *, gray: bool = False) -> np.ndarray:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.repeat(image[:, :, :1], 3, axis=2) if gray else image


def done(image: np.ndarray, networks: Networks, *names: str) -> np.ndarray:
    return Enhancer("auto", networks=networks).apply(image, plan_steps(names))[0]


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(list(STEPS)),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    gray=st.booleans(),
    seed=st.integers(0, 5),
)
def test_every_step_keeps_shape_type_range_and_gray(
    networks: Networks, name: str, height: int, width: int, gray: bool, seed: int
) -> None:
    image = picture(height, width, seed, gray=gray)
    before = image.copy()
    result = done(image, networks, name)
    factor = STEPS[name].factor
    assert result.shape == (height * factor, width * factor, 3)
    assert result.dtype == np.uint8
    assert np.array_equal(image, before)
    if gray:
        assert np.array_equal(result[..., 0], result[..., 1])
        assert np.array_equal(result[..., 1], result[..., 2])


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(["denoise", "deblur", "sr2", "sr4"]), height=st.integers(30, 130), width=st.integers(30, 130)
)
def test_tiles_leave_no_seam(networks: Networks, name: str, height: int, width: int) -> None:
    image = picture(height, width)
    whole = done(image, networks, name)
    network = networks.get(name, "default")
    params = {**network.tiling(), "model": "default", "tile_px": 32}
    tiled = network.run(image, STEPS[name].factor, params, None)
    assert np.abs(whole.astype(int) - tiled).max() <= 1


def test_luma_models_leave_colors_alone(networks: Networks) -> None:
    image = np.full((24, 24, 3), (60, 90, 120), np.uint8)
    image[8:16, 8:16] = (80, 110, 140)
    result = done(image, networks, "denoise").astype(int)
    assert np.array_equal(result[..., 1] - result[..., 0], np.full((24, 24), 30))
    assert np.array_equal(result[..., 2] - result[..., 1], np.full((24, 24), 30))
    smoothed = cv2.blur(luma_255(image), (3, 3), borderType=cv2.BORDER_REFLECT_101)
    assert np.abs(luma_255(result.astype(np.uint8)) - smoothed).max() <= 1


def test_a_model_that_keeps_the_size_gets_the_enlarged_picture(networks: Networks) -> None:
    image = picture(20, 17, gray=True)
    result = done(image, networks, "sr2:tiny_same_size")
    large = cv2.resize(image, (34, 40), interpolation=cv2.INTER_CUBIC)
    smoothed = cv2.blur(luma_255(large), (3, 3), borderType=cv2.BORDER_REFLECT_101)
    assert np.abs(luma_255(result) - smoothed).max() <= 1


def test_the_order_of_channels_is_the_models(tmp_path: Path) -> None:
    data = picture_bytes(3)
    told = picture_entry("rgb", "deblur", data)
    told["input"] |= {"color": "RGB", "mean": [10, 20, 30], "std": [1, 1, 1]}
    networks = Networks(Pack.open(write_pack(tmp_path, [(told, data)])), RUNTIME)
    image = np.full((12, 12, 3), (50, 100, 150), np.uint8)
    # The mean is taken off red, green and blue in this order; a real model would put it back on.
    assert done(image, networks, "deblur")[6, 6].tolist() == [20, 80, 140]


def test_a_model_of_fixed_size_works_in_tiles_of_it(tmp_path: Path) -> None:
    data = picture_bytes(3, side=32)
    told = picture_entry("fixed", "restore", data)
    told["input"] |= {"shape": [1, 3, 32, 32]}
    told["outputs"] = {"out": [1, 3, 32, 32]}
    networks = Networks(Pack.open(write_pack(tmp_path, [(told, data)])), RUNTIME)
    image = picture(50, 75)
    wanted = cv2.blur(image, (3, 3), borderType=cv2.BORDER_REFLECT_101)
    assert np.abs(done(image, networks, "restore").astype(int) - wanted).max() <= 1


def test_the_recipe_names_model_provider_and_what_is_generated(networks: Networks) -> None:
    image = picture(20, 20)
    result, recipe = Enhancer("auto", networks=networks).apply(image, plan_steps(["denoise", "sr4"]))
    assert [step.generative for step in recipe.steps] == [False, True]
    for step in recipe.steps:
        assert step.model_sha256 == networks.get(step.name, networks.default_of(step.name)).session.sha256
        assert step.params["model"] == f"tiny_{step.name}"
        assert step.provider == "CPUExecutionProvider"
    stored = recipe_from_json(json.loads(json.dumps(recipe_to_json(recipe))))
    assert np.array_equal(replay(image, stored, networks), result)


def test_replay_wants_the_recorded_model(networks: Networks, tmp_path: Path) -> None:
    image = picture(20, 20)
    _, recipe = Enhancer("auto", networks=networks).apply(image, plan_steps(["denoise"]))
    data = picture_bytes(1, gain=0.9)
    others = Networks(
        Pack.open(write_pack(tmp_path, [(picture_entry("tiny_denoise", "denoise", data), data)])), RUNTIME
    )
    with pytest.raises(ImageError, match="the pack has"):
        replay(image, recipe, others)
    with pytest.raises(ModelError, match="no model pack was given"):
        replay(image, recipe)
    with pytest.raises(ImageError, match="names no model"):
        replay(image, Recipe((replace(recipe.steps[0], params={}),)), networks)


def test_arithmetic_that_rounds_otherwise_stays_within_45_db(
    networks: Networks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another provider is played by one that multiplies with a little less precision."""
    image = picture(40, 40)
    result, recipe = Enhancer("auto", networks=networks).apply(image, plan_steps(["deblur", "lime", "sr2"]))
    assert redo(image, recipe, networks).same == (True, True, True)
    exact = module.Network._call

    def rounder(self: module.Network, tile: np.ndarray) -> np.ndarray:
        return np.float32(1.001) * exact(self, tile)

    monkeypatch.setattr(module.Network, "_call", rounder)
    again = redo(image, recipe, networks)
    assert not all(again.same)
    assert again.problem is not None
    assert "arithmetic differs" in again.problem
    assert metrics.psnr(again.image, result) > 45
    with pytest.raises(ImageError, match="arithmetic differs"):
        replay(image, recipe, networks)


def test_too_large_a_result_is_refused_before_it_is_made(networks: Networks) -> None:
    with pytest.raises(ImageError, match="would become 16000 x 12000"):
        done(np.zeros((3000, 4000, 3), np.uint8), networks, "sr4")


def test_a_pack_without_a_model_says_so(tmp_path: Path) -> None:
    networks = Networks(Pack.open(picture_pack(tmp_path, steps=("denoise",))), RUNTIME)
    with pytest.raises(ModelError, match="no deblur model"):
        done(picture(9, 9), networks, "deblur")
    networks.load_all(STEPS)
    assert list(networks.describe()) == ["denoise"]


def test_what_makes_no_picture_is_refused(tmp_path: Path) -> None:
    data = picture_bytes(1, 2)
    told = picture_entry("twice", "denoise", data)
    networks = Networks(Pack.open(write_pack(tmp_path, [(told, data)])), RUNTIME)
    with pytest.raises(ModelError, match="enlarges 2 times, the step 1 times"):
        done(picture(9, 9), networks, "denoise")


@pytest.mark.parametrize("name", LEARNED)
def test_the_packs_own_models_fit_their_steps(name: str) -> None:
    from edge.config import Config

    config = Config()
    networks = Networks(Pack.open(config.models_dir), RUNTIME)
    if networks.default_of(name) is None:
        pytest.skip(f"the pack has no {name} model")
    image = picture(30, 41)
    factor = STEPS[name].factor
    assert done(image, networks, name).shape == (30 * factor, 41 * factor, 3)
