"""Which processor this is, what of it speeds models up, and what the board says it draws."""

from __future__ import annotations

import contextlib
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")
HWMON = Path("/sys/class/hwmon")
POWERCAP = Path("/sys/class/powercap")
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
    """What the board's power sensors add up to, in watts; None where it has none.

    Some, as the INA3221 of Jetson boards, tell current (mA) and voltage (mV) of each rail in place of power (uW).
    """
    found = []
    for path in sensors.glob("hwmon*/power*_input"):
        with contextlib.suppress(OSError, ValueError):
            found.append(int(path.read_text("ascii")) / 1e6)
    for path in sensors.glob("hwmon*/curr*_input"):
        volts = path.with_name(path.name.replace("curr", "in"))
        has_power = any(path.parent.glob("power*_input"))
        with contextlib.suppress(OSError, ValueError):
            found += [] if has_power else [int(path.read_text("ascii")) * int(volts.read_text("ascii")) / 1e6]
    return sum(found) if found else None


class Joules:
    """Mean power of the processor packages since this was made, where their counters (RAPL) may be read."""

    def __init__(self, folder: Path = POWERCAP, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._at_s, self._before = clock(), self._read()

    def watts(self) -> float | None:
        """Mean watts so far; None where there is no counter, or one began anew."""
        now, seconds = self._read(), self._clock() - self._at_s
        used = [now[name] - before for name, before in self._before.items() if name in now]
        return None if not used or min(used) < 0 or seconds <= 0 else sum(used) / 1e6 / seconds

    def _read(self) -> dict[str, int]:
        """Microjoules by package."""
        found = {}
        for path in self._folder.glob("intel-rapl:[0-9]*/energy_uj"):
            if path.parent.name.count(":") == 1:  # parts of a package have a second number
                with contextlib.suppress(OSError, ValueError):
                    found[path.parent.name] = int(path.read_text("ascii"))
        return found
