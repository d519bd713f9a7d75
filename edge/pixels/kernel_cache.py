"""Finds where compiled kernels are kept, and which are missing. Compiles nothing."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.pixels.jit import LazyKernel, load


@dataclass(frozen=True, slots=True)
class KernelCache:
    """The folder of the machine code, and the kernels whose code is not in it."""

    folder: Path
    is_writable: bool
    """Else every process compiles for itself."""
    cold: tuple[str, ...]
    num_kernels: int


def kernel_cache() -> KernelCache:
    """Look at the kernels that a service runs; they all lie in `light`."""
    folder = load()
    kernels = _kernels()
    cold = tuple(one.py_func.__qualname__ for one in kernels if not _is_kept(one))
    kept = {one.stats.cache_path for one in kernels}
    if None in kept:
        return KernelCache(folder, is_writable=False, cold=cold, num_kernels=len(kernels))
    return KernelCache(Path(min(kept, default=folder)), is_writable=True, cold=cold, num_kernels=len(kernels))


def _kernels() -> list[Any]:
    load()
    # Copies, because another thread may be importing.
    modules = [module for name, module in sorted(sys.modules.copy().items()) if name.startswith("edge.pixels.light.")]
    found = {
        id(value): value
        for module in modules
        for held in vars(module).copy().values()
        for value in [held.compiled if isinstance(held, LazyKernel) else held]
        if hasattr(value, "py_func") and hasattr(value, "stats")
    }
    return list(found.values())


def _is_kept(compiled: Any) -> bool:
    """Whether the cache holds machine code of this very source; numba has no public word for it."""
    try:
        return bool(compiled._cache._cache_file._load_index())
    except (AttributeError, OSError):
        return bool(compiled.stats.cache_hits)
