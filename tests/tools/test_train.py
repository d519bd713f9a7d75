"""Training in small: the loss falls, a resumed run is bit-equal, and a smoke run ends in a packed model."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the train extra: torch is not installed")
pytest.importorskip("onnx", reason="needs the train extra: onnx is not installed")
pytest.importorskip("matplotlib", reason="needs the train extra: matplotlib is not installed")

from torch import nn  # noqa: E402

from edge.pixels.faces import geometry  # noqa: E402
from tests.support.models.tiny_teacher import TinyTeacher  # noqa: E402
from tests.support.paths import ROOT  # noqa: E402
from tools import quantize  # noqa: E402
from tools.train import common, detector, recogniser  # noqa: E402
from tools.train.material import canvases, clutter, mixtures, mosaics, views  # noqa: E402
from tools.train.nets import face_nets as nets  # noqa: E402
from tools.train.nets import warm_start  # noqa: E402
from tools.train.ship import export  # noqa: E402
from tools.train.ship.whitening import Whitening  # noqa: E402


def plan(out: Path, steps: int, batch_size: int = 4) -> common.Plan:
    return common.Plan(out, steps, None, 3, 1, 0, 2e-3, batch_size, save_every=100, log_every=2)


@pytest.mark.parametrize(
    ("known", "is_bf16"), [({"avx2": True, "avx512_bf16": False}, False), ({"amx_bf16": True}, True)]
)
def test_bf16_is_used_where_the_processor_has_it(
    known: dict[str, bool], is_bf16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known)
    words = ["--steps", "3", "--out", "nowhere"]
    assert common.plan_from(common.arguments("").parse_args(words)).bf16 is is_bf16
    assert common.plan_from(common.arguments("").parse_args([*words, "--fp32"])).bf16 is False


def face_cache(folder: Path) -> Path:
    """Canvases of noise with random targets: enough to learn by heart."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    np.save(
        folder / "canvases.npy", rng.integers(0, 256, (4, canvases.CANVAS_PX, canvases.CANVAS_PX, 3), dtype=np.uint8)
    )
    targets = rng.normal(0, 1, (4, 128)).astype(np.float32)
    np.save(folder / "targets.npy", targets)
    np.save(folder / "people.npy", np.arange(4))
    np.savez(folder / "mixtures.npz", **mixtures.plan_mixtures(6, 4, 0)._asdict())
    return folder


class TinyScenes(torch.utils.data.Dataset):
    """Noise with one made-up face per picture; half of the pictures have none."""

    def __getitem__(self, step: int) -> common.Batch:
        rng = np.random.default_rng([5, step])
        image = torch.from_numpy(rng.integers(0, 256, (4, 64, 64, 3), dtype=np.uint8))
        target = np.zeros((4, 64 + 16 + 4, 15), np.float32)
        target[::2, rng.integers(84)] = 0.9
        return image, torch.from_numpy(target)


def weights(model: nn.Module) -> str:
    return hashlib.sha256(b"".join(v.numpy().tobytes() for v in model.state_dict().values())).hexdigest()


@pytest.mark.parametrize("task", ["recogniser", "detector"])
def test_a_resumed_run_is_bit_equal(task: str, tmp_path: Path) -> None:
    def run(out: Path, *, resume: bool = False, stop_after: int | None = None) -> tuple[str, str]:
        torch.manual_seed(3)
        if task == "recogniser":
            model, loss = nets.Recogniser(0.1), recogniser.Loss(TinyTeacher(), "whole")
            dataset = recogniser.FaceViews(cache, 4, 3)
        else:
            model, dataset, loss = nets.Detector((8, 8, 8, 8, 8)), TinyScenes(), detector.Loss()
        averaged = common.train(plan(out, 8), model, dataset, loss, resume=resume, stop_after=stop_after)
        return weights(model), weights(averaged.model)

    cache = face_cache(tmp_path / "cache")
    whole = run(tmp_path / "whole")
    assert run(tmp_path / "parts", stop_after=3) != whole
    assert run(tmp_path / "parts", resume=True) == whole
    with (tmp_path / "parts" / "curve.csv").open() as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == [2, 3, 4, 6, 8]
    assert (tmp_path / "parts" / "curve.png").stat().st_size > 1000


@pytest.mark.parametrize("lesson", ["blocks", "whole"])
def test_the_loss_falls(lesson: recogniser.Kind, tmp_path: Path) -> None:
    torch.manual_seed(0)
    one = recogniser.FaceViews(face_cache(tmp_path / "cache"), 8, 0)[0]
    model = nets.Recogniser(0.1)
    nets.settle(model, torch.rand(8, 3, 112, 112) * 255)

    class Same(torch.utils.data.Dataset):
        def __getitem__(self, step: int) -> common.Batch:
            return one

    common.train(plan(tmp_path, 24, 8), model, Same(), recogniser.Loss(TinyTeacher(), lesson))
    with (tmp_path / "curve.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < 0.6 * losses[0]


def test_exported_detector_answers_as_the_network_at_any_size(tmp_path: Path) -> None:
    import onnxruntime as ort

    torch.manual_seed(0)
    model = nets.Detector().eval()
    heads = export.detector(model, tmp_path / "detector.onnx")
    assert "/model/heads.0/Conv" in heads
    session = ort.InferenceSession(str(tmp_path / "detector.onnx"), providers=["CPUExecutionProvider"])
    for height, width in ((64, 96), (160, 32)):
        image = np.random.default_rng(1).uniform(0, 255, (1, 3, height, width)).astype(np.float32)
        answer = dict(zip(export.DETECTOR_OUTPUTS, session.run(export.DETECTOR_OUTPUTS, {"image": image}), strict=True))
        with torch.no_grad():
            levels = model(torch.from_numpy(image))
        for stride, level in zip(nets.STRIDES, levels, strict=True):
            cells = level.flatten(2).transpose(1, 2)
            assert answer[f"cls_{stride}"].shape == (1, height * width // stride**2, 1)
            assert (
                np.abs(answer[f"cls_{stride}"] - torch.sigmoid(cells[..., :1] + export.SCORE_SHIFT).numpy()).max()
                < 1e-4
            )
            assert np.abs(answer[f"bbox_{stride}"] - cells[..., 1:5].numpy()).max() < 1e-3
            assert np.abs(answer[f"kps_{stride}"] - cells[..., 5:].numpy()).max() < 1e-3


def test_several_checkpoints_are_packed_as_the_mean_of_their_weights(tmp_path: Path) -> None:
    files = [tmp_path / f"{step}.pt" for step in (3, 5)]
    for file, step in zip(files, (3, 5), strict=True):
        weights = {"weight": torch.full((2,), float(step)), "batches": torch.tensor(10 * step)}
        common.save(file, {"averaged": weights, "step": step})
    mean, alone = common.load_mean(files), common.load_mean(files[:1])
    assert mean["averaged"]["weight"].tolist() == [4, 4]
    assert int(mean["averaged"]["batches"]) == 50, "what is counted is no weight"
    assert mean["step"] == 5
    assert alone["averaged"]["weight"].tolist() == [3, 3]


def test_fresh_convolutions_answer_with_unit_variance() -> None:
    torch.manual_seed(0)
    model, images = nets.Recogniser(0.25), torch.rand(8, 3, 112, 112) * 255
    nets.settle(model, images)
    found: list[torch.Tensor] = []
    for block in model.blocks:
        block.register_forward_hook(lambda module, given, answer: found.append(answer))
    model(images)
    assert all(0.05 < float(answer.var()) < 2 for answer in found)


def test_an_undisturbed_view_is_the_aligned_crop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without jitter and faults, a view of a canvas is its inner part: canvas and crop agree on where a face is."""
    monkeypatch.setattr(views, "degraded", lambda image, face_px, rng, left_out: (image, 0.0))

    class Still:
        def random(self) -> float:
            return 1.0

        def normal(self, mean: float, deviation: float, size: int | None = None) -> np.ndarray | float:
            return 0.0 if size is None else np.zeros(size)

    canvas = np.random.default_rng(0).integers(0, 256, (canvases.CANVAS_PX, canvases.CANVAS_PX, 3), dtype=np.uint8)
    assert np.abs(views.crop(canvas, Still()).astype(int) - canvases.inner(canvas)).max() <= 1  # type: ignore[arg-type]
    landmarks = geometry.ARCFACE_POINTS + 40
    image = np.random.default_rng(0).integers(0, 256, (220, 220, 3), dtype=np.uint8)
    assert (canvases.inner(canvases.canvas_of(image, landmarks)) == geometry.align(image, landmarks)).all()


def test_pictures_follow_from_the_seed() -> None:
    for seed in range(6):
        first, second = (clutter.draw(96, views.generator(seed, 1)) for _ in range(2))
        assert first.shape == (96, 96, 3)
        assert (first == second).all()
    stock = mosaics.Portraits(
        np.random.default_rng(0).integers(0, 256, (3, 250, 250, 3), dtype=np.uint8),
        np.array([[80, 70, 90, 110]] * 3, np.float32),
        [np.random.default_rng(1).integers(0, 256, (120, 200, 3), dtype=np.uint8)],
    )
    for step in range(12):
        one, two = (mosaics.pair(stock, 128, views.generator(0, step)) for _ in range(2))
        assert [a.shape[0] for a in one[:4]] == [256, 128, 128, 128]
        assert all(a.shape == (len(a), len(a), 3) and (a == b).all() for a, b in zip(one[:4], two[:4], strict=True))
        assert one.degrees == two.degrees


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("task", "kind"), [("recogniser", "embed"), ("detector", "detect")])
def test_smoke_run_ends_in_a_packed_model(task: str, kind: str, shared_data: Path, tmp_path: Path) -> None:
    options = ["--smoke", "--steps", "6", "--batch-size", "8", "--out", str(tmp_path), "--threads", "1"]
    command = [sys.executable, "-m", f"tools.train.{task}", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=890, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (entry,) = json.loads((tmp_path / "manifest.json").read_text("utf-8"))["models"]
    content = (tmp_path / entry["file"]).read_bytes()
    assert entry["task"] == kind
    assert entry["sha256"] == hashlib.sha256(content).hexdigest()
    assert entry["provenance"]["steps"] == 6
    assert entry["licence"]
    assert entry["teacher"]
    assert entry["limits"]
    assert entry["name"] in (tmp_path / "MODELS.md").read_text("utf-8")

    from edge.config import RuntimeConfig
    from edge.sessions import Pack

    assert all(result.problem is None for result in Pack.open(tmp_path).verify(RuntimeConfig(threads=1)))


def test_a_start_from_the_shipped_detector_gives_its_answers() -> None:
    """The net that training begins with computes what the shipped int8 file does, new blocks included."""
    import onnxruntime as ort

    pictures = np.stack([clutter.draw(96, views.generator(k, 5)) for k in range(12)])
    examples = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    file = shipped("detect")
    model = nets.Detector()
    warm_start.load(model, file, examples)
    model.eval()
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        levels = model(examples[:1])
    for stride, level in zip(nets.STRIDES, levels, strict=True):
        (scores,) = session.run([f"cls_{stride}"], {"image": examples[:1].numpy()})
        assert np.abs(torch.sigmoid(level[:, 0]).numpy().ravel() - scores.ravel()).max() < 0.05


def test_a_start_from_an_exported_embedder_gives_its_answers_before_the_whitening(tmp_path: Path) -> None:
    torch.manual_seed(1)
    pictures = np.stack([clutter.draw(112, views.generator(k, 5)) for k in range(12)])
    examples = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    exported, again = nets.Recogniser(), nets.Recogniser()
    nets.settle(exported, examples)
    file, int8 = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    layer = Whitening(np.full(128, 0.1, np.float32), np.eye(128, k=1, dtype=np.float32))
    stays = export.recogniser(exported, file, layer)
    quantize.quantize(file, int8, [one[None].numpy() for one in examples], exclude=stays)
    with torch.no_grad():
        wanted = exported(examples)
        for source, least in ((file, 0.9999), (int8, 0.99)):
            warm_start.load_recogniser(again, source)
            assert nn.functional.cosine_similarity(again(examples), wanted).min() > least


def shipped(task: str) -> Path:
    models = ROOT / "models" / "quantized"
    listed = json.loads((models / "manifest.json").read_text("utf-8"))["models"]
    return models / next(one["file"] for one in listed if one["task"] == task and one["default"])


def test_a_start_from_another_kind_of_file_is_refused() -> None:
    with pytest.raises(ValueError, match="not an embedder of this kind"):
        warm_start.load_recogniser(nets.Recogniser(), shipped("detect"))
