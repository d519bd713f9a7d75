"""Finds where compiled kernels are kept, and which are missing. Compiles nothing."""

from __future__ import annotations

import os
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
    cold: tuple[str, ...]
    num_kernels: int


def kernel_cache() -> KernelCache:
    """Look at the kernels that a service runs; they all lie in `light`."""
    kernels = _kernels()
    folders = sorted({str(one.stats.cache_path) for one in kernels})
    cold = tuple(one.py_func.__qualname__ for one in kernels if not _is_kept(one))
    writable = all(os.access(_nearest(Path(folder)), os.W_OK | os.X_OK) for folder in folders)
    return KernelCache(Path(folders[0]) if folders else Path(), writable, cold, len(kernels))


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


def _nearest(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
