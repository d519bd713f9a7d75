"""The embedder's card tells what `edge eval` answered, and nothing of other models."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the train extra: torch is not installed")
pytest.importorskip("onnx", reason="needs the train extra: onnx is not installed")

from tests.support.models.carded import carded_pack
from tools.figures import __main__ as figures
from tools.figures import answers
from tools.train.ship import answered, doubled_scores

MODELS = {"detect": "d", "embed": "e"}


def rate(matches: int, pairs: int, **more: Any) -> dict[str, Any]:
    return {"matches": matches, "pairs": pairs, "fmr": matches / pairs, "low": 0.0001, "high": 0.0009, **more}


def groups() -> dict[str, Any]:
    kinds = {
        kind: {"within": rate(3, 10_000), "across": rate(1, 10_000), "groups": [rate(2, 5_000, group=name)]}
        for kind, name in (("sex", "female"), ("skin", "Asian"), ("age", "60+"), ("sex_skin", "female Asian"))
    }
    return {"models": MODELS, "min_similarity": 0.5, "num_pictures": 2200, "all": rate(4, 20_000), "by": kinds}


def pairs() -> dict[str, Any]:
    rows = [
        {"degrade": name, "accuracy": 0.9, "tar": {"1e-2": 0.8}, "num_without_face": 5} for name in ("clean", "haze:4")
    ]
    return {"models": MODELS, "rows": rows}


def tables(models: Path) -> list[dict[str, Any]]:
    written = json.loads((models / "manifest.json").read_text("utf-8"))["models"]
    found: list[dict[str, Any]] = next(one for one in written if one["task"] == "embed")["scores"]["tables"]
    return found


def test_fairness_stands_in_the_card_with_counts_and_bounds(tmp_path: Path) -> None:
    models = carded_pack(tmp_path)
    for _ in range(2):  # a second time puts the table in the place of the first
        answered.enter_groups(models, groups())
    other, table = tables(models)
    assert other["what"] == "other"
    assert list(table["rows"])[:4] == ["all pairs", "within sex", "across sex", "sex: female"]
    assert len(table["rows"]) == 1 + 3 * 3
    card = (models / "MODELS.md").read_text("utf-8")
    assert "| | false matches | pairs | rate | low | high |" in card
    assert "| sex: female | 2 | 5000 | 4.000 | 1.000 | 9.000 |" in card


def test_a_new_detector_changes_the_int8_columns_and_the_card_says_so(tmp_path: Path) -> None:
    kept = {"fp32 accuracy": 0.7, "int8 accuracy": 0.6, "int8 TAR": 0.5, "no face": 0}
    models = carded_pack(tmp_path, {"clean": dict(kept), "dark:3": dict(kept)})
    for _ in range(2):
        answered.enter_pairs(models, pairs())
    (table,) = tables(models)
    assert table["rows"]["clean"] == {"fp32 accuracy": 0.7, "int8 accuracy": 0.9, "int8 TAR": 0.8, "no face": 5}
    assert table["rows"]["dark:3"] == kept, "was not measured"
    assert "haze:4" not in table["rows"]
    assert table["what"].count("with which this file was packed") == 1


@pytest.mark.parametrize("enter", answered.ENTER.values(), ids=answered.ENTER)
def test_an_answer_of_other_models_is_refused(enter: Callable[[Path, Mapping[str, Any]], None], tmp_path: Path) -> None:
    models = carded_pack(tmp_path)
    before = (models / "manifest.json").read_bytes()
    with pytest.raises(ValueError, match="other models"):
        enter(models, {**groups(), **pairs(), "models": {**MODELS, "detect": "former"}})
    assert (models / "manifest.json").read_bytes() == before


def test_writing_the_document_writes_the_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = carded_pack(tmp_path)
    monkeypatch.setattr(answers, "MODELS", models)
    monkeypatch.setattr(answers, "read", lambda name: {"groups": groups(), "pairs": pairs()}.get(name))
    figures.write_card()
    told = [table["what"] for table in tables(models)]
    assert any(what.startswith("False matches") for what in told)
    assert any("with which this file was packed" in what for what in told)


def test_how_pictures_were_shrunk_stands_in_the_card_of_the_net_that_doubles(tmp_path: Path) -> None:
    models = carded_pack(tmp_path)
    written = json.loads((models / "manifest.json").read_text("utf-8"))
    doubling = {**written["models"][1], "name": "sr2_compact", "task": "sr2"}
    written["models"].append(doubling)
    (models / "manifest.json").write_text(json.dumps(written), "utf-8")
    table = {"what": f"{doubled_scores._WHAT}: so", "rows": {"cubic": {"bicubic": 30.0, "int8": 28.0}}}
    for _ in range(2):  # a second time puts the table in the place of the first
        doubled_scores.enter(models, table)
    assert (models / "MODELS.md").read_text("utf-8").count("| cubic | 30.000 | 28.000 |") == 1
    assert [one["what"] for one in tables(models)] == ["other"], "the embedder's card is left alone"
