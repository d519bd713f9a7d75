"""Trainings of picture nets in small: exact enlargement, folding, resuming with and without a critic, smoke runs."""

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
from torch.nn import functional  # noqa: E402

from tests.support.paths import ROOT  # noqa: E402
from tools.train import common, pack_pictures  # noqa: E402
from tools.train.material import pictures  # noqa: E402
from tools.train.nets import face_nets, picture_loss, picture_training  # noqa: E402
from tools.train.nets import picture_nets as networks  # noqa: E402
from tools.train.ship import export  # noqa: E402

SMALL = {
    "compact": lambda: networks.Shuffled(2, 16, 2),
    "denoise": lambda: networks.Shuffled(1, 16, 2),
    "srcnn": lambda: networks.Srcnn((8, 8)),
    "deblur": lambda: networks.Pyramid((8, 8, 8, 8), 8),
    "restore": lambda: networks.UNet((8, 8, 8, 8)),
    "faces": lambda: networks.SrResNet(8, 1),
}


class Spoilt(torch.utils.data.Dataset):
    """Smooth pictures with noise on them, (4, C, 32, 32), and the pictures."""

    def __init__(self, channels: int, factor: int = 1) -> None:
        self.channels, self.factor = channels, factor

    def __getitem__(self, step: int) -> common.Batch:
        made = torch.Generator().manual_seed(step % 3)
        rough = torch.rand(4, self.channels, 8, 8, generator=made) * 255
        truth = functional.interpolate(rough, scale_factor=4 * self.factor, mode="bilinear")
        given = functional.interpolate(truth, scale_factor=1 / self.factor, mode="area")
        return given + torch.randn(given.shape, generator=made) * 15, truth


def plan(out: Path, steps: int, rate: float = 2e-3) -> common.Plan:
    return common.Plan(out, steps, None, 3, 1, 0, rate, 4, save_every=100, log_every=2, weight_decay=0.0, bf16=False)


def weights(*models: nn.Module) -> str:
    values = (v for model in models for v in model.state_dict().values())
    return hashlib.sha256(b"".join(v.numpy().tobytes() for v in values)).hexdigest()


def features() -> picture_loss.FaceFeatures:
    torch.manual_seed(9)
    return picture_loss.FaceFeatures(face_nets.Recogniser(0.1))


def test_fixed_convolution_enlarges_bicubically() -> None:
    image = torch.rand(2, 1, 14, 18) * 255
    ours = functional.pixel_shuffle(networks.Bicubic2()(image), 4)
    theirs = functional.interpolate(image, scale_factor=2, mode="bicubic", antialias=True)  # antialias: a is -1/2
    assert ours.shape == theirs.shape
    assert (ours - theirs)[..., 6:-6, 6:-6].abs().max() < 1e-3


@pytest.mark.parametrize("kind", sorted(SMALL))
def test_exported_net_answers_as_the_trained_one_at_any_size(kind: str, tmp_path: Path) -> None:
    import onnxruntime as ort

    torch.manual_seed(0)
    model = SMALL[kind]().eval()
    with torch.no_grad():
        model.last.weight.mul_(50)
    stay = export.picture(model, tmp_path / "net.onnx")
    assert "/first/Conv" in stay
    assert "/last/Conv" in stay
    session = ort.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    channels = 1 if kind in {"compact", "denoise", "srcnn"} else 3
    for height, width in ((48, 32), (16, 80)):
        image = np.random.default_rng(1).uniform(0, 255, (1, channels, height, width)).astype(np.float32)
        (answer,) = session.run(None, {"image": image})
        with torch.no_grad():
            expected = model(torch.from_numpy(image)).numpy()
        factor = {"compact": 2, "srcnn": 2, "faces": 4}.get(kind, 1)
        assert answer.shape == (1, channels, height * factor, width * factor)
        assert np.abs(answer - expected).max() < 0.05
        assert np.abs(expected - image.mean()).max() > 1


@pytest.mark.parametrize("stop_after", [3, 18])
def test_a_resumed_run_with_a_critic_is_bit_equal(stop_after: int, tmp_path: Path) -> None:
    """Stopped in the first part or in the second: net, its mean, the critic and both optimisers go on as if never."""

    def run(out: Path, *, resume: bool = False, stop: int | None = None) -> str:
        torch.manual_seed(3)
        model = SMALL["restore"]()
        pixel = picture_loss.Pixels(features(), 0.05)
        opinion = picture_loss.LossWeights(0.05, 0.01, conditional=True)
        averaged = picture_training.in_two_parts(
            plan(out, 32), model, Spoilt(3), pixel, opinion, resume=resume, stop_after=stop
        )
        if not (out / "checkpoint.pt").is_file():
            return "first part"
        state = common.load(out / "checkpoint.pt")
        critic = networks.Critic(6)
        critic.load_state_dict(state["loss"]["critic"])
        moments = [v for s in state["loss"]["optimiser"]["state"].values() for v in s.values()]
        assert len(moments) > 0
        own = hashlib.sha256(b"".join(v.numpy().tobytes() for v in moments)).hexdigest()
        return weights(model, averaged.model, critic) + own

    whole = run(tmp_path / "whole")
    assert run(tmp_path / "parts", stop=stop_after) == "first part"
    if stop_after == 18:  # to the end of the first part, and one step into the second
        run(tmp_path / "parts", resume=True, stop=3)
        assert common.load(tmp_path / "parts" / "checkpoint.pt")["step"] == 3
    assert run(tmp_path / "parts", resume=True) == whole


@pytest.mark.parametrize("kind", ["compact", "faces"])
def test_the_loss_of_pixels_falls(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    pixel = picture_loss.Pixels()
    loss = picture_loss.Adversarial(pixel, picture_loss.LossWeights(0.0, 1e-4), 1e-3) if kind == "faces" else pixel
    dataset = Spoilt(1, 2) if kind == "compact" else Spoilt(3, 4)
    common.train(plan(tmp_path, 80, 1e-3), SMALL[kind](), dataset, loss)
    with (tmp_path / "curve.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < 0.85 * losses[0]


def test_features_of_equal_pictures_are_equal_and_of_others_are_not() -> None:
    judge, image = features(), torch.rand(2, 3, 48, 64) * 255
    assert judge.distance(image, image) == 0
    assert judge.distance(image, image.flip(3)) > 0.05


def test_pairs_follow_from_the_seed_and_fit_their_net() -> None:
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 256, (3, 144, 144, 3), dtype=np.uint8)
    stock = pictures.CleanPictures(faces, [rng.integers(0, 256, (150, 200, 3), dtype=np.uint8)])
    for model in pack_pictures.MODELS.values():
        for seed in range(4):
            one, two = (model.make(stock, np.random.default_rng(seed)) for _ in range(2))
            assert all((a == b).all() for a, b in zip(one, two, strict=True))
            given, truth = one
            assert given.shape[0] == truth.shape[0] == (1 if model.color == "Y" else 3)
            assert truth.shape[1] == given.shape[1] * model.enlarge
            assert given.shape[1] % model.multiple == 0
            assert given.min() >= 0
            assert max(given.max(), truth.max()) <= 255.01


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("command", "task"),
    [("denoise", "denoise"), ("sr faces", "sr4")],
)
def test_smoke_run_ends_in_a_packed_net(command: str, task: str, shared_data: Path, tmp_path: Path) -> None:
    module, *kind = command.split()
    options = ["--smoke", "--steps", "6", "--out", str(tmp_path), "--threads", "1"]
    line = [sys.executable, "-m", f"tools.train.{module}", *kind, *options]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=890, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (entry,) = json.loads((tmp_path / "manifest.json").read_text("utf-8"))["models"]
    assert entry["task"] == task
    assert entry["generative"] == (task in {"restore", "sr4"})
    assert entry["bytes"] < 0.5 * (tmp_path / f"{entry['name']}.fp32.onnx").stat().st_size
    assert ("Generative" in (tmp_path / "MODELS.md").read_text("utf-8")) == entry["generative"]
    assert (tmp_path / "samples.png").is_file()
    assert (tmp_path / "curve.png").is_file()

    from edge.config import RuntimeConfig
    from edge.sessions import Pack

    assert all(result.problem is None for result in Pack.open(tmp_path).verify(RuntimeConfig(threads=1)))
