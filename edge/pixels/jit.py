"""Declares numba kernels: compiled at their first call, kept in the cache directory, free of the GIL.

numba and its compiler take 70 MB and half a second, so they are imported when a kernel is first called. In a bright
scene none is.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, TypeVar, cast

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

_declared: list[LazyKernel] = []
_loaded: list[bool] = []
"""Not empty once every kernel can be called."""


class LazyKernel:
    """Stands in for a kernel until `load`; calling it loads."""

    def __init__(self, function: Callable[..., Any], *, is_loose: bool) -> None:
        self._function = function
        self._is_loose = is_loose
        self.compiled: Any = None
        """numba's dispatcher, once there is one; it compiles by itself."""

    def __call__(self, *arguments: Any) -> Any:
        """Run the kernel."""
        if not _loaded:
            load()
        return self.compiled(*arguments)

    def declare(self) -> None:
        """Make the dispatcher."""
        import numba

        self.compiled = numba.njit(cache=True, nogil=True, fastmath=self._is_loose)(self._function)

    def replace(self) -> None:
        """Put dispatchers where the kernel's module names stand-ins: a kernel can call nothing else."""
        names = self._function.__globals__
        names.update({name: one.compiled for name, one in names.items() if isinstance(one, LazyKernel)})


def kernel(function: Kernel) -> Kernel:
    """Compile `function` on first call; it must assume valid input, for its wrapper has checked it."""
    return _declare(function, is_loose=False)


def loose_kernel(function: Kernel) -> Kernel:
    """As `kernel`, where sums may be reordered to fill vector registers: finite numbers, free last bits."""
    return _declare(function, is_loose=True)


def load() -> None:
    """Import numba and declare every kernel to it. Any thread may call, again and again: one works, others wait."""
    importlib.import_module("edge.pixels.compiled")


def declare_all() -> None:
    """For `compiled` alone, which is imported once."""
    for one in _declared:
        one.declare()
    for one in _declared:
        one.replace()
    _loaded.append(True)


def _declare(function: Kernel, *, is_loose: bool) -> Kernel:
    one = LazyKernel(function, is_loose=is_loose)
    _declared.append(one)
    return cast(Kernel, one)
