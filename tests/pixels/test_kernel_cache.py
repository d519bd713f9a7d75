"""Kernels are counted while other threads import, as at every start."""

from __future__ import annotations

import gc
import itertools
import sys
import types
from collections.abc import Iterator

import pytest

from edge.pixels.kernel_cache import kernel_cache
from edge.pixels.light import lime


@pytest.fixture
def importing() -> Iterator[None]:
    """A module more at every object made: what an import in another thread can do between two steps."""
    number = itertools.count()

    def add(phase: str, info: dict[str, int]) -> None:
        sys.modules[f"made_up_{next(number)}"] = types.ModuleType("made_up")

    before = gc.get_threshold()
    gc.callbacks.append(add)
    gc.set_threshold(1)
    try:
        yield
    finally:
        gc.callbacks.remove(add)
        gc.set_threshold(*before)
        for name in [name for name in sys.modules.copy() if name.startswith("made_up_")]:
            del sys.modules[name]


@pytest.mark.usefixtures("importing")
def test_kernels_are_counted_while_modules_are_imported() -> None:
    assert lime.__name__ in sys.modules
    assert kernel_cache().num_kernels > 10
