"""Declares numba kernels: compiled once, kept in the cache directory, free of the GIL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def kernel(function: Kernel) -> Kernel:
    """Compile `function` on first call; it must assume valid input, for its wrapper has checked it."""
    return cast(Kernel, numba.njit(cache=True, nogil=True)(function))


def loose_kernel(function: Kernel) -> Kernel:
    """As `kernel`, where sums may be reordered to fill vector registers: finite numbers, free last bits."""
    return cast(Kernel, numba.njit(cache=True, nogil=True, fastmath=True)(function))
