"""Fixtures of the tests of packs."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import Config


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """An empty data directory, and the packaged pack."""
    return Config(data_dir=tmp_path / "data")
