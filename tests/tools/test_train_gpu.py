"""What trains on a GPU, tried on the CPU: batched faults like the single ones, the same teacher, a run in small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the train extra: torch is not installed")
pytest.importorskip("onnx", reason="needs the train extra: onnx is not installed")
pytest.importorskip("matplotlib", reason="needs the train extra: matplotlib is not installed")

from edge.pixels import degrade  # noqa: E402
from tests.support.models.tiny_teacher import TinyTeacher  # noqa: E402
from tests.support.paths import ROOT  # noqa: E402
from tools.train import all_on_gpu, common, paths, recogniser  # noqa: E402
from tools.train.material import batch_views, canvases, mixtures, teachers  # noqa: E402
from tools.train.material.faults import on_batches  # noqa: E402
from tools.train.material.torch_teacher import TorchTeacher  # noqa: E402
from tools.train.nets.face_nets import Recogniser  # noqa: E402

FACE_PX = 85.0


def pictures(number: int) -> np.ndarray:
    """(N, 144, 144, 3) u8: soft blots of all colors with edges, as faces have."""
    rng = np.random.default_rng(0)
    side = canvases.CANVAS_PX
    made = [
        cv2.resize(rng.integers(0, 256, (12, 12, 3), np.uint8), (side, side), interpolation=2) for _ in range(number)
    ]
    return np.stack(made)


def detail(images: np.ndarray) -> float:
    return float(np.abs(np.diff(images.astype(np.float32), axis=2)).mean())


@pytest.mark.parametrize("level", [1, 3, 5])
@pytest.mark.parametrize("name", degrade.NAMES)
def test_batched_faults_are_like_the_single_ones(name: str, level: int) -> None:
    torch.manual_seed(0)
    given = pictures(16)
    one_by_one = np.stack([degrade.apply(x, name, level, rng_or_seed=i, face_px=FACE_PX) for i, x in enumerate(given)])
    batch = torch.from_numpy(given.transpose(0, 3, 1, 2).astype(np.float32))
    out = on_batches.apply(batch, name, torch.full((16,), float(level)), FACE_PX)
    assert out.shape == batch.shape
    assert torch.equal(out, out.round().clamp(0, 255))
    found = out.numpy().transpose(0, 2, 3, 1)
    assert found.mean() == pytest.approx(one_by_one.mean(), abs=1.0)
    assert detail(found) == pytest.approx(detail(one_by_one), rel=0.08)
    moved = [float(np.sqrt(((x.astype(np.float32) - given) ** 2).mean())) for x in (found, one_by_one)]
    assert moved[0] == pytest.approx(moved[1], rel=0.08)


def test_every_fault_of_the_product_is_there() -> None:
    assert tuple(on_batches.FAULTS) == degrade.NAMES


def test_a_pair_shows_one_place_as_captured_and_clean() -> None:
    torch.manual_seed(1)
    clean = torch.from_numpy(pictures(40))
    level = torch.zeros(40)
    seen, whole = batch_views.pairs(clean, clean, level, np.random.default_rng(5))
    assert seen.shape == whole.shape == (40, 3, 112, 112)
    middle = clean[:, 16:-16, 16:-16].permute(0, 3, 1, 2).flip(1).float()
    assert (whole - middle).abs().mean() < 0.5 * (whole.roll(1, 0) - middle).abs().mean(), "in place, and in RGB"
    distance = (seen - whole).abs().mean((1, 2, 3))
    assert distance.max() > 5
    assert torch.isfinite(seen).all()


@pytest.mark.skipif(not paths.DEGRADED_TEACHER.is_file(), reason="needs the teacher of the public data")
def test_the_teacher_is_the_one_of_the_file() -> None:
    crops = np.ascontiguousarray(pictures(3)[:, 16:-16, 16:-16])
    vector, maps = TorchTeacher()(torch.from_numpy(crops.transpose(0, 3, 1, 2).astype(np.float32)))
    of_file = teachers.Embedder(mirrored=False, model=paths.DEGRADED_TEACHER)(crops[..., ::-1])
    assert np.allclose(vector.numpy(), of_file, atol=1e-4)
    net = Recogniser()
    x, sizes = torch.zeros(1, 3, 112, 112), []
    for block in net.blocks:
        x = block(x)
        sizes.append(x.shape[1:])
    assert [one.shape[1:] for one in maps] == sizes, "each block of the student has a lesson"


def test_a_run_in_small_goes_on_where_it_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    np.save(folder / "canvases.npy", pictures(4))
    np.save(folder / "people.npy", np.arange(4))
    np.save(folder / "targets.npy", np.random.default_rng(0).normal(0, 1, (4, 128)).astype(np.float32))
    np.savez(folder / "mixtures.npz", **mixtures.plan_mixtures(6, 4, 0)._asdict())
    plan = common.Plan(tmp_path / "run", 4, None, 3, 1, 0, 2e-3, 20, save_every=2, log_every=1, bf16=False)
    data = batch_views.Canvases(folder, 20, 3, recogniser.REAL_SHARE)

    def run(*, resume: bool, stop_after: int | None = None, out: str = "run") -> common.WeightAverage:
        lesson = all_on_gpu.Lesson(recogniser.Loss(TinyTeacher(), "whole"), 3)
        there = replace(plan, out=tmp_path / out)
        return common.train(there, Recogniser(0.1), data, lesson, resume=resume, stop_after=stop_after)

    run(resume=False, stop_after=2)
    assert common.load(tmp_path / "run" / "checkpoint.pt")["step"] == 2
    run(resume=True)
    state = common.load(tmp_path / "run" / "checkpoint.pt")
    assert state["step"] == 4
    assert state["loss"]["rng"]["bit_generator"] == "PCG64"
    assert all(torch.isfinite(value).all() for value in state["averaged"].values())


def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    monkeypatch.setattr("sys.argv", ["all_on_gpu", "--out", str(ROOT / "build" / "nowhere")])
    with pytest.raises(SystemExit):
        all_on_gpu.main()
    assert "there is no cuda here" in capsys.readouterr().err
