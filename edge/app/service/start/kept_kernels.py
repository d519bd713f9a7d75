"""Whether all kernels were compiled for this program on this machine before, told without loading the compiler.

A wrong yes costs time and nothing else: what is missing is compiled when it is first needed.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import sys
from pathlib import Path

import edge

FILE = "kernels.json"
_LIBRARIES = ("numba", "llvmlite", "numpy")
_PROCESSOR = ("model name", "flags", "Features", "CPU part", "CPU implementer")
"""Lines of /proc/cpuinfo that tell for which processor code is made."""


def are_kept(data_dir: Path) -> bool:
    """Whether the note fits this program and machine, and the files it counted are still there."""
    try:
        note = json.loads((data_dir / FILE).read_text("utf-8"))
        return bool(note["key"] == _key() and _count(Path(note["folder"])) >= note["files"] > 0)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def keep(data_dir: Path) -> None:
    """Compile what the cache lacks and note it, so that the next start has nothing to compile."""
    if are_kept(data_dir):
        return
    from edge.enhance import warm_up

    warm_up()
    note_kept(data_dir)


def note_kept(data_dir: Path) -> None:
    """Write the note, if all kernels are in the cache now. Loads the compiler."""
    from edge.pixels.kernel_cache import kernel_cache

    cache = kernel_cache()
    if cache.cold or not cache.num_kernels:
        return
    note = {"key": _key(), "folder": str(cache.folder), "files": _count(cache.folder)}
    partial = data_dir / f"{FILE}.part"
    try:
        partial.write_text(json.dumps(note), "utf-8")
        partial.replace(data_dir / FILE)
    except OSError:
        partial.unlink(missing_ok=True)  # a full disk: the next start compiles, or finds, what is there


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.glob("*.nbi"))


def _key() -> str:
    """Digest of all that the machine code depends on."""
    sources = sorted((Path(edge.__file__).parent / "pixels").rglob("*.py"))
    facts = [
        sys.version,
        *(importlib.metadata.version(name) for name in _LIBRARIES),
        platform.machine(),
        *_processor(),
        *(f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("NUMBA_")),
        *(f"{one} {one.stat().st_size} {one.stat().st_mtime_ns}" for one in sources),
    ]
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()


def _processor() -> list[str]:
    """Each line once: cores of one kind say the same."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    return sorted({line for line in lines if line.startswith(_PROCESSOR)})
