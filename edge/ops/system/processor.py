"""Which processor this is, what of it speeds models up, and what the board says it draws."""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")
HWMON = Path("/sys/class/hwmon")
FEATURES = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "amx_int8", "asimd", "asimddp", "i8mm")
"""Those that onnxruntime's int8 kernels differ by."""


def processor(cpuinfo: Path = CPUINFO) -> dict[str, Any]:
    """JSON-ready: its name and those of `FEATURES` it has."""
    values: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in cpuinfo.read_text("utf-8", "replace").splitlines():
            key, _, value = line.partition(":")
            values.setdefault(key.strip().lower(), value.strip())
    flags = f"{values.get('flags', '')} {values.get('features', '')}".split()
    name = values.get("model name") or values.get("model") or platform.machine()
    return {"name": name, "features": [flag for flag in FEATURES if flag in flags]}


def watts(sensors: Path = HWMON) -> float | None:
    """What the board's power sensors add up to, in watts; None where it has none."""
    found = []
    for path in sensors.glob("hwmon*/power*_input"):
        with contextlib.suppress(OSError, ValueError):
            found.append(int(path.read_text("ascii")) / 1e6)
    return sum(found) if found else None
