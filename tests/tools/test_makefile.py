"""`make install` sees that the program needs other packages, however the new version came into the folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

LONG_AGO = 1_000_000_000


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_files_of_an_archive_count_although_they_are_older(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    lock, project = tmp_path / "requirements.lock", tmp_path / "pyproject.toml"
    lock.write_text("one==1.0\n", "utf-8")
    project.write_text("[project]\n", "utf-8")
    for path in (lock, project):
        os.utime(path, (LONG_AGO, LONG_AGO))
    assert "pip install" in would_do(tmp_path)
    (tmp_path / ".venv").mkdir()
    subprocess.run("cat requirements.lock pyproject.toml | cksum >.venv/.run", shell=True, cwd=tmp_path, check=True)
    assert "pip install" not in would_do(tmp_path)
    lock.write_text("one==1.1\n", "utf-8")
    os.utime(lock, (LONG_AGO, LONG_AGO))
    assert "pip install" in would_do(tmp_path)


def would_do(folder: Path) -> str:
    """What `make install` would do there."""
    done = subprocess.run(["make", "-n", "install"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout
