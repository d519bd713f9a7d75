"""The tree keeps its shape: every module stands under the import rules, and no test leans on another test."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT

CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
    "contracts"
]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def test_every_list_of_layers_is_complete() -> None:
    """Else a new module that is in no layer may import anything."""
    layered = [contract for contract in CONTRACTS if contract["type"] == "layers"]
    assert layered
    for contract in layered:
        assert contract["containers"], contract["name"]
        assert contract["exhaustive"], contract["name"]


def test_every_fence_is_for_all_but_those_it_names() -> None:
    """A hand list of who may not would miss the next module."""
    fences = [contract for contract in CONTRACTS if contract["name"].startswith("Fence")]
    assert len(fences) >= 5
    for contract in fences:
        assert contract["source_modules"] in (["edge.*"], ["tools.*"]), contract["name"]


def test_a_new_module_is_under_the_rules(tmp_path: Path) -> None:
    for package in ("edge", "tools"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "edge" / "newthing.py").write_text("import cv2\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert re.search(r"^Layers BROKEN", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^Fence: numba and cv2 .* BROKEN", done.stdout, re.MULTILINE), done.stdout
    assert "edge.newthing" in done.stdout


def imports_of(path: Path) -> set[str]:
    """Full names of everything a file imports, also inside its functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module or ''}.{one.name}" for one in node.names}
    return found


TOURS = [
    *["edge", "edge/app", "edge/app/commission", "edge/app/evaluation", "edge/app/health", "edge/app/offline"],
    *["edge/app/packs", "edge/app/people", "edge/app/setup", "edge/capture", "edge/capture/condition", "edge/config"],
    *["edge/detect", "edge/enhance", "edge/evaluate", "edge/ops/doctor", "edge/ops/release", "edge/ops/system"],
    *["edge/pixels", "edge/pixels/faces", "edge/pixels/light", "edge/sessions", "edge/store", "edge/store/accounts"],
    *["edge/store/audit", "edge/store/backup", "edge/store/database", "edge/store/feed", "edge/store/people"],
    *[
        "edge/store/repair",
        "edge/watchlist",
        "tools",
        "tools/deploy_test",
        "tools/soak",
        "tools/train",
        "tools/wheelhouse",
    ],
]
"""Folders whose docstring leads through them: a line for each module, or for some, and what is in it."""


@pytest.mark.parametrize("folder", TOURS)
def test_a_tour_of_a_folder_names_each_module_and_none_that_is_gone(folder: str) -> None:
    told = ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text())) or ""
    lines = re.findall(r"^ *([a-z_0-9]+(?:, [a-z_0-9]+)*)  +\S", told, re.MULTILINE)
    named = {name for line in lines for name in line.split(", ")}
    there = {path.stem for path in (ROOT / folder).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    stages = {"capture", "detect", "track", "enhance", "recognise", "visit", "store", "serve", "pipeline"}
    assert named == there - {"__init__", "__main__"} - (stages if folder == "edge" else set())


def test_no_test_imports_another_test() -> None:
    """What several need lies in tests/support."""
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for name in imports_of(path)
        if name.startswith("tests.") and any(part.startswith("test_") for part in name.split("."))
    ]
    assert not found


def test_support_hides_no_module_of_the_library() -> None:
    """`capture/rtsp_server.py` is run as a script, which puts its own folder first."""
    names = {path.stem for path in (ROOT / "tests" / "support").rglob("*.py")}
    assert not names & set(sys.stdlib_module_names)


def test_every_folder_of_tests_is_a_package() -> None:
    """Else two test files of one name can't be told apart."""
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]
