"""The repository keeps its promises: settings are explained, models have cards, nothing private slipped in."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import get_origin

import pytest
from pydantic import BaseModel

from edge.config import Config
from tests.support.paths import ROOT

SETTINGS = (ROOT / "docs" / "settings.md").read_text("utf-8")
MODELS = ROOT / "models" / "quantized"


def settings(model: type[BaseModel], prefix: str = "") -> list[tuple[str, str]]:
    """(table, key) of every setting."""
    found = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        args = [a for a in getattr(kind, "__args__", ()) if isinstance(a, type) and issubclass(a, BaseModel)]
        inner = args[0] if args else kind
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            one_of_many = ".NAME" if get_origin(kind) is dict else ""
            found += settings(inner, f"{prefix}.{name}{one_of_many}".strip("."))
        else:
            found.append((prefix, name))
    return found


@pytest.mark.parametrize(("table", "key"), settings(Config))
def test_settings_page_names_every_setting(table: str, key: str) -> None:
    section = SETTINGS.partition(f"\n## `{table}`\n" if table else "\n## Top of the file\n")[2].partition("\n## ")[0]
    assert f"\n| `{key}` |" in section, f"docs/settings.md doesn't list {table}.{key}"


def test_every_setting_has_a_sentence() -> None:
    def walk(model: type[BaseModel]) -> None:
        for name, field in model.model_fields.items():
            args = [a for a in getattr(field.annotation, "__args__", ()) if isinstance(a, type)]
            for inner in [field.annotation, *args]:
                if isinstance(inner, type) and issubclass(inner, BaseModel):
                    walk(inner)
                    break
            else:
                assert field.description, f"{model.__name__}.{name} has no description"

    walk(Config)


def test_every_model_has_licence_hash_scores_provenance_and_a_card() -> None:
    cards = (MODELS / "MODELS.md").read_text("utf-8")
    entries = json.loads((MODELS / "manifest.json").read_text("utf-8"))["models"]
    assert {entry["task"] for entry in entries} >= {"detect", "embed"}
    for entry in entries:
        data = (MODELS / entry["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert len(data) == entry["bytes"] < 3.9 * 1024 * 1024
        for key in ("licence", "teacher", "data", "limits", "scores", "provenance"):
            assert entry[key], f"{entry['name']} has no {key}"
        assert entry["name"] in cards


def test_strangers_of_the_pack_belong_to_its_embedder() -> None:
    """Else calibration would quietly say "not calibrated", and the tests of it would be skipped."""
    manifest = json.loads((MODELS / "manifest.json").read_text("utf-8"))
    embedder = next(entry for entry in manifest["models"] if entry["task"] == "embed" and entry["default"])
    assert {cohort["kind"] for cohort in manifest["cohorts"]} == {"color", "gray"}
    for cohort in manifest["cohorts"]:
        assert cohort["model_sha256"] == embedder["sha256"]
        assert hashlib.sha256((MODELS / cohort["file"]).read_bytes()).hexdigest() == cohort["sha256"]


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("needs a git checkout")
    return [ROOT / line for line in done.stdout.splitlines() if (ROOT / line).is_file()]


def test_no_file_is_too_long() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {count}"
        for path in tracked()
        if path.suffix == ".py" and (count := path.read_text("utf-8").count("\n")) > 300
    ]
    assert not long


def test_no_path_of_a_development_machine() -> None:
    private = re.compile(r"(?<![\w.])/(work|home|root|Users)/[A-Za-z]")
    found = []
    for path in tracked():
        if (
            path.suffix in {".py", ".md", ".toml", ".html", ".js", ".css", ".yml", ".json", ".sql"}
            or path.name == "Makefile"
        ):
            found += [f"{path.name}: {m.group()}" for m in private.finditer(path.read_text("utf-8"))]
    assert not found
