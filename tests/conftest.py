"""Fixtures every test file shares."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.paths import find_shared_data

# How long an example takes depends on what else the machine does, and no test asserts a time.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Public test data; a test that asks for it is skipped by name where it is absent."""
    folder = find_shared_data()
    if folder is None:
        pytest.skip("needs the public test data: ../shared/data or EDGE_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def demo_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's clip, rendered once."""
    from edge.app.selfcheck import demo_clip

    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    demo_clip.render(path)
    return path


@pytest.fixture(scope="session")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clean portrait of the person who walks through the demo's clip."""
    from edge.app.selfcheck import demo_clip
    from edge.pixels.encode import to_png

    path = tmp_path_factory.mktemp("portrait") / "portrait.png"
    path.write_bytes(to_png(demo_clip.portrait()))
    return path
