"""Fixtures of the tests that bring an operating system of their own: `make camera-test`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cameras.trixie import UnavailableError, rootfs


@pytest.fixture(scope="session")
def trixie() -> Path:
    """Debian trixie's root folder; skips by name where it can't be had."""
    if not os.environ.get("EDGE_TEST_CAMERAS"):
        pytest.skip("runs with `make camera-test` (root, a Debian mirror and 2 GB of disk)")
    try:
        return rootfs()
    except UnavailableError as error:
        pytest.skip(str(error))
