"""Declares numba kernels: compiled at their first call, kept in the cache directory, free of the GIL.

numba and its compiler take 70 MB and half a second, so they are imported when a kernel is first called. In a bright
scene none is.

numba looks for changes in the file of a kernel alone, but its machine code holds that of the kernels it calls, and
constants, of other files. So all of it lies in a folder named by the sources of all kernels.
"""

from __future__ import annotations

import hashlib
import importlib
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

_declared: list[LazyKernel] = []
_loaded: list[Path] = []
"""The folder of the machine code, once every kernel can be called."""


def _digest() -> str:
    """Of all that kernels are made of: they, what they call and their constants lie in `light`, their options here."""
    sources = [Path(__file__), *sorted(Path(__file__).with_name("light").glob("*.py"))]
    parts = [part for one in sources for part in (one.name.encode(), one.read_bytes())]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


_FOLDER = f"kernels-{_digest()}"
"""Named as modules are imported: the files may be others by the time that a kernel is called."""


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

    def declare(self, folder: Path) -> None:
        """Make the dispatcher; its machine code is kept below `folder` or, where that can't be written, nowhere."""
        import numba

        self.compiled = numba.njit(nogil=True, fastmath=self._is_loose)(self._function)
        with suppress(RuntimeError):  # there is no folder that may be written
            kept = numba.njit(cache=True, nogil=True, fastmath=self._is_loose)(self._function)
            if _is_below(kept, folder):
                self.compiled = kept

    def usual_folder(self) -> Path:
        """Where numba would keep the machine code."""
        import numba

        config: Any = numba.config
        try:
            kept: Any = numba.njit(cache=True)(self._function)
            return Path(kept.stats.cache_path)
        except (RuntimeError, AttributeError):  # no folder may be written; NUMBA_DISABLE_JIT is set
            return Path(config.CACHE_DIR or Path(__file__).parent / "light" / "__pycache__")

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


def load() -> Path:
    """Import numba and declare every kernel to it. Any thread may call, again and again: one works, others wait.

    Returns
    -------
    Path
        The folder below which machine code is kept; where it can't be written kernels are compiled in every process.
    """
    importlib.import_module("edge.pixels.compiled")
    return _loaded[0]


def declare_all() -> None:
    """For `compiled` alone, which is imported once."""
    import numba

    config: Any = numba.config
    folder = _declared[0].usual_folder() / _FOLDER
    is_new = not folder.exists()
    usual, config.CACHE_DIR = config.CACHE_DIR, str(folder)
    try:
        for one in _declared:
            one.declare(folder)
    finally:
        config.CACHE_DIR = usual
    for one in _declared:
        one.replace()
    if is_new:
        _remove_others(folder)
    _loaded.append(folder)


def _is_below(kept: Any, folder: Path) -> bool:
    return hasattr(kept, "stats") and Path(kept.stats.cache_path).is_relative_to(folder)


def _remove_others(folder: Path) -> None:
    """Remove the machine code of other sources; a process that still runs with them compiles what it lacks."""
    for old in folder.parent.glob("kernels-*"):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)
    for old in folder.parent.glob("*.nb[ic]"):  # where it lay before it had folders
        with suppress(OSError):
            old.unlink()


def _declare(function: Kernel, *, is_loose: bool) -> Kernel:
    one = LazyKernel(function, is_loose=is_loose)
    _declared.append(one)
    return cast(Kernel, one)
