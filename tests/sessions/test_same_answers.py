"""The shipped int8 models mean the same on every processor: weights of seven bits, and answers that show it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.arrays import BgrImage
from edge.config import PACKAGED_MODELS
from edge.sessions import ModelEntry, Pack
from tests.conftest import find_shared_data
from tools import likeness

onnx = pytest.importorskip("onnx", reason="needs the train or dev extra: onnx is not installed")

ENTRIES = [entry for entry in Pack.open(PACKAGED_MODELS).manifest.models if entry.precision == "int8"]
BY_NAME = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
EMULATOR = shutil.which("qemu-x86_64")
EMULATED_PICTURES = {"embed": 2, "detect": 4}
EMULATED_SIDE_PX = 16
"""Of pictures for nets that take any size: an emulated processor is a thousand times slower."""


def shown_to(entry: ModelEntry) -> list[BgrImage]:
    """64 pictures: real faces for the embedder where the public data is there, else the demo's."""
    data = find_shared_data()
    if entry.task == "embed" and data is not None:
        from edge.capture.pictures.images import read_image
        from edge.pixels.resize import resize

        paths = sorted((data / "faces" / "lfw" / "images").glob("*/*_0001.jpg"))[:: max(1, 3000 // 64)]
        crops = (np.ascontiguousarray(read_image(path)[70:190, 65:185]) for path in paths[:64])
        return [resize(crop, 112, 112) for crop in crops]
    return likeness.pictures(entry.task)


@BY_NAME
def test_weights_stay_in_seven_bits(entry: ModelEntry) -> None:
    from tools.reduced_range import weights_outside

    assert weights_outside(onnx.load(str(PACKAGED_MODELS / entry.file))) == {}


@BY_NAME
def test_optimisations_change_nothing(entry: ModelEntry) -> None:
    path, shown = PACKAGED_MODELS / entry.file, shown_to(entry)
    assert len(shown) == 64
    exact, built = (likeness.answers(path, entry, shown, is_exact=is_exact) for is_exact in (True, False))
    found = likeness.compare(entry.task, exact, built)
    assert found.is_same(), found.told()


def _has_vnni() -> bool:
    try:
        return "avx512_vnni" in Path("/proc/cpuinfo").read_text("utf-8") or "avx_vnni" in Path(
            "/proc/cpuinfo"
        ).read_text("utf-8")
    except OSError:
        return False


@pytest.mark.skipif(not _has_vnni(), reason="this processor has no VNNI: the test above covers its kind")
@pytest.mark.skipif(EMULATOR is None, reason="needs Debian's qemu-user: qemu-x86_64 is not installed")
def test_a_processor_without_vnni_answers_the_same(tmp_path: Path) -> None:
    assert EMULATOR is not None
    arguments, exact = [], {}
    for entry in ENTRIES:
        shown = _small(entry)
        exact[entry.name] = likeness.answers(PACKAGED_MODELS / entry.file, entry, shown, is_exact=True)
        inputs, outputs = tmp_path / f"{entry.name}.npy", tmp_path / f"{entry.name}.npz"
        np.save(inputs, np.stack(list(likeness.tensors(entry, shown))))
        arguments += [str(PACKAGED_MODELS / entry.file), str(inputs), str(outputs)]
    script = Path(__file__).parents[1] / "support" / "models" / "emulated.py"
    command = [EMULATOR, "-cpu", "Haswell", sys.executable, str(script), *arguments]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True)
    for entry in ENTRIES:
        there = _answers(np.load(tmp_path / f"{entry.name}.npz"), len(exact[entry.name]))
        found = likeness.compare(entry.task, exact[entry.name], there)
        assert found.is_same(), f"{entry.name}: {found.told()}"


def _small(entry: ModelEntry) -> Sequence[BgrImage]:
    shown = likeness.pictures(entry.task, EMULATED_PICTURES.get(entry.task, 1))
    if entry.task == "embed":
        return shown
    side = 4 * EMULATED_SIDE_PX if entry.task == "detect" else EMULATED_SIDE_PX
    return [np.ascontiguousarray(image[:side, :side]) for image in shown]


def _answers(stored: np.lib.npyio.NpzFile, count: int) -> list[dict[str, NDArray[np.float32]]]:
    """The outputs by name, per picture, of what `tests.support.models.emulated` wrote."""
    found: list[dict[str, NDArray[np.float32]]] = [{} for _ in range(count)]
    for key in stored.files:
        number, _, name = key.partition(" ")
        found[int(number)][name] = stored[key]
    return found
