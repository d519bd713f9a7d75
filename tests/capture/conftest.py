"""What several tests of capture are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.media import numbered, write_clip


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", numbered(20), fps=20)
