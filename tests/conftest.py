"""Fixtures every test file shares."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import argon2
import pytest
from hypothesis import settings

from edge.config import Config
from edge.store.accounts import passwords
from tests.support.paths import find_shared_data

if TYPE_CHECKING:
    from edge.app.build import Models

# How long an example takes depends on what else the machine does, and no test asserts a time.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
FULL_COST = passwords.HASHER


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Public test data; a test that asks for it is skipped by name where it is absent."""
    folder = find_shared_data()
    if folder is None:
        pytest.skip("needs the public test data: ../shared/data or EDGE_TEST_DATA")
    return folder


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """A hash costs next to nothing in the tests' own processes; those that they start keep the full cost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


@pytest.fixture
def full_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hashes of the product."""
    monkeypatch.setattr(passwords, "HASHER", FULL_COST)


@pytest.fixture(scope="session")
def demo_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's clip, rendered once, also where several processes share the tests: it takes ten seconds."""
    from edge.app.selfcheck import demo_clip

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    path = folder / "clip.avi"
    with (folder / "clip.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            demo_clip.render(folder / "part.avi")
            (folder / "part.avi").rename(path)
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The packaged models. Each file has its own, for some tests put other sessions or stages into them."""
    from edge.app.build import load_models

    return load_models(Config(data_dir=tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="session")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clean portrait of the person who walks through the demo's clip."""
    from edge.app.selfcheck import demo_clip
    from edge.pixels.encode import to_png

    path = tmp_path_factory.mktemp("portrait") / "portrait.png"
    path.write_bytes(to_png(demo_clip.portrait()))
    return path
