"""Kernels compiled before are not loaded at the start; a note of another machine or program counts nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge.app.service.start import kept_kernels
from edge.enhance import warm_up


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the note of a start that compiled, or found, every kernel."""
    folder = tmp_path_factory.mktemp("data")
    assert not kept_kernels.are_kept(folder)
    warm_up()
    kept_kernels.note_kept(folder)
    return folder


def test_a_start_leaves_no_kernel_to_be_compiled_later() -> None:
    """Kernels that others call are compiled with them, and come out of the cache with them."""
    asked = (
        "from edge.enhance import warm_up; from edge.pixels import kernel_cache; warm_up();"
        "kernels = kernel_cache._kernels();"
        "within = {name for one in kernels for name in one.py_func.__code__.co_names};"
        "outer = [one for one in kernels if one.py_func.__name__ not in within];"
        "print(len(outer) > 5, *(one.py_func.__name__ for one in outer if not one.signatures))"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True"]


def test_what_was_compiled_is_known_without_loading_the_compiler(noted: Path) -> None:
    asked = (
        "import sys; from pathlib import Path; from edge.app.service.start import kept_kernels;"
        f"print(kept_kernels.are_kept(Path({str(noted)!r})), 'numba' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "False"]


def test_another_program_or_machine_counts_nothing(noted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept_kernels.are_kept(noted)
    monkeypatch.setattr(kept_kernels.platform, "machine", lambda: "riscv64")
    assert not kept_kernels.are_kept(noted)


def test_kernels_that_were_deleted_are_missed(noted: Path, tmp_path: Path) -> None:
    note = json.loads((noted / kept_kernels.FILE).read_text())
    (tmp_path / kept_kernels.FILE).write_text(json.dumps(note | {"folder": str(tmp_path)}))
    assert not kept_kernels.are_kept(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": 1}', "null"])
def test_a_damaged_note_counts_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / kept_kernels.FILE).write_text(text)
    assert not kept_kernels.are_kept(tmp_path)
