"""What is measured as a fault never trained on is one: no training draws it, by name or by another name."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the train extra: torch is not installed")
pytest.importorskip("onnx", reason="needs the train extra: onnx is not installed")
pytest.importorskip("matplotlib", reason="needs the train extra: matplotlib is not installed")

from edge.pixels import degrade  # noqa: E402
from tests.support.models.carded import carded_pack  # noqa: E402
from tests.support.paths import ROOT  # noqa: E402
from tools.train.material import batch_views, views  # noqa: E402
from tools.train.material.faults import families as trained  # noqa: E402
from tools.train.ship import left_out  # noqa: E402

TRAINING = ROOT / "tools" / "train"
MAY_MEASURE = {TRAINING / "ship" / "left_out.py"}


def test_each_degradation_is_trained_or_left_out_and_none_is_both() -> None:
    fixed, families, left = set(degrade.NAMES), set(trained.FAMILIES), set(degrade.NEVER_TRAINED)
    assert left
    assert not fixed & families
    assert not left & (fixed | families)
    assert set(degrade.ALL_NAMES) - left <= fixed | families, "taken from NEVER_TRAINED: it has to be a family now"


def test_training_draws_the_fixed_list_and_nothing_that_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def noted(image: Any, name: str, *rest: Any, **options: Any) -> Any:
        drawn.append(name)
        return image

    monkeypatch.setattr(degrade, "apply", noted)
    monkeypatch.setattr(trained, "apply", noted)
    image = np.zeros((8, 8, 3), np.uint8)
    for seed in range(900):
        views.degraded(image, 85.0, views.generator(seed, 0))
        drawn += [name for name, _, _ in batch_views._drawn(np.random.default_rng(seed))]
    assert set(drawn) == {*degrade.NAMES, *trained.FAMILIES}
    assert not set(drawn) & set(degrade.NEVER_TRAINED)


@pytest.mark.parametrize("path", sorted({*TRAINING.rglob("*.py")} - MAY_MEASURE), ids=lambda path: path.stem)
def test_no_module_of_training_speaks_of_them(path: Path) -> None:
    """Also those that draw cohorts and reliability: what calibrates is trained on, too."""
    tree = ast.parse(path.read_text("utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert not {text.partition(":")[0] for text in texts} & set(degrade.NEVER_TRAINED)
    assert not (named | names) & {"NEVER_TRAINED", "ALL_NAMES", "path_faults"}


def answer(name: str, *, embedder: str = "e", peer: bool = True) -> dict[str, Any]:
    def row(accuracy: float, missed: int) -> dict[str, Any]:
        tar = {"1e-2": accuracy - 0.1, "1e-3": 0.0}
        counts = {"num_pairs": 600, "num_pictures": 785, "num_without_face": missed}
        return {"degrade": name, "enhance": "off", "accuracy": accuracy, "tar": tar, **counts}

    told = {"models": {"detect": "d", "embed": embedder}, "rows": [row(0.9, 3)]}
    return told | {"peer": [row(0.8, 1)]} if peer else told


def test_the_card_tells_what_was_measured(tmp_path: Path) -> None:
    name = degrade.NEVER_TRAINED[0]
    models = carded_pack(tmp_path)
    for _ in range(2):  # a second time puts the table in the place of the first
        left_out.enter(models, [answer("clean"), answer(f"{name}:3")])
    written = json.loads((models / "manifest.json").read_text("utf-8"))["models"]
    other, table = next(one for one in written if one["task"] == "embed")["scores"]["tables"]
    assert other["what"] == "other"
    assert list(table["rows"]) == ["clean", f"{name}:3"]
    assert table["rows"][f"{name}:3"] == {
        "ours accuracy": 0.9, "ours TAR": 0.8, "ours no face": 3,
        "public accuracy": 0.8, "public TAR": pytest.approx(0.7), "public no face": 1,
    }  # fmt: skip
    assert f"| {name}:3 | 0.900 | 0.800 | 3 | 0.800 | 0.700 | 1 |" in (models / "MODELS.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (answer(degrade.NEVER_TRAINED[0], embedder="former"), "other models"),
        (answer(degrade.NEVER_TRAINED[0], peer=False), "--peer"),
        (answer("dark:5"), "trained"),
    ],
)
def test_a_figure_that_does_not_belong_is_refused(told: dict[str, Any], why: str, tmp_path: Path) -> None:
    models = carded_pack(tmp_path)
    before = (models / "manifest.json").read_bytes()
    with pytest.raises(ValueError, match=why):
        left_out.enter(models, [told])
    assert (models / "manifest.json").read_bytes() == before
