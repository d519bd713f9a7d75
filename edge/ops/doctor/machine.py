"""Checks the board: clock, heat, throttling, a matching numpy, and compiled kernels that are ready at start."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.config import Config
from edge.errors import EdgeError
from edge.ops.doctor.check import Check, failed, passed, warned
from edge.ops.packs.soak import read_soak
from edge.ops.system import sensors

WARM_CELSIUS, HOT_CELSIUS = 75.0, 85.0
IMPORT_LIMIT_S = 10.0


def check_clock(facts: dict[str, Any]) -> Check:
    """Judge what the kernel says of the clock."""
    fix = "run a time service, such as chrony"
    if facts["synced"] is None:
        return warned("clock", "this machine does not say whether its clock is synchronised", fix)
    if not facts["synced"]:
        return warned("clock", "not synchronised: times in alerts may be wrong", fix)
    return passed("clock", f"synchronised, error below {facts['error_bound_ms']:.0f} ms")


def check_temperature(folder: Path) -> Check:
    """Judge the hottest thermal zone under `folder` (sysfs: millidegrees Celsius)."""
    hottest = sensors.temperature_c(folder)
    if hottest is None:
        return passed("temperature", "no sensor on this machine")
    found = f"{hottest:.0f} degrees Celsius"
    if hottest >= HOT_CELSIUS:
        return failed("temperature", found, "the box throttles: give it air, a heat sink or shade")
    if hottest >= WARM_CELSIUS:
        return warned("temperature", found, "give the box more air before summer")
    return passed("temperature", found)


def check_soak(data_dir: Path, facts: dict[str, str]) -> Check:
    """Check what is left of the rate when the machine is warm, as `edge probe --soak` measured it."""
    name, again = "rate when warm", "run `edge probe --soak 20` with the service stopped"
    try:
        found = read_soak(data_dir)
    except EdgeError as error:
        return warned(name, str(error), again)
    if found is None:
        return passed(name, "not measured on this box; `edge probe --soak 20` does")
    changed = [what for what, value in facts.items() if found.platform.get(what) != value]
    if changed:
        return warned(name, f"{found.told()}; measured before {', '.join(changed)} changed", again)
    if found.has_slowed_down:
        return warned(
            name, found.told(), "give the board air, a heat sink or shade, and its own power supply; measure again"
        )
    return passed(name, found.told())


def check_throttling(sys_folder: Path) -> Check:
    """Check for throttling: Raspberry Pi firmware, x86 counters, cooling devices, a capped frequency."""
    now, before = sensors.raspberry_flags(sys_folder / "devices/platform/soc/soc:firmware/get_throttled")
    power = sensors.TOO_LITTLE_VOLTAGE in now + before
    fix = "use the board's own power supply and a short cable" if power else "give the board air or a heat sink"
    if now:
        return failed("throttling", f"the board says now: {', '.join(now)}", fix)
    if before:
        return warned("throttling", f"the board says, since its start: {', '.join(before)}", fix)
    if slowed := sensors.active_cooling_brake(sys_folder / "class" / "thermal"):
        return failed("throttling", f"{slowed} against heat", "give the box air or shade")
    for policy in sorted(sys_folder.glob("devices/system/cpu/cpufreq/policy*")):
        most, allowed = _number(policy / "cpuinfo_max_freq"), _number(policy / "scaling_max_freq")
        if most and allowed and allowed < 0.9 * most:
            found = f"{policy.name} may run at {allowed / 1e6:.1f} of {most / 1e6:.1f} GHz"
            fix = "choose the full power mode (Jetson: nvpmodel -m 0; else the cpufreq governor's scaling_max_freq)"
            return warned("throttling", found, fix)
    counters = sys_folder.glob("devices/system/cpu/cpu*/thermal_throttle/core_throttle_count")
    if throttled := sum(_number(path) or 0 for path in counters):
        return warned("throttling", f"slowed down {throttled} times since its start", "give the box air or shade")
    return passed("throttling", "none")


def numpys(paths: Sequence[str] | None = None) -> list[tuple[str, str]]:
    """(version, folder) of every numpy on the path, in the order in which Python looks."""
    found = importlib.metadata.distributions(name="numpy", path=list(paths if paths is not None else sys.path))
    unique = dict.fromkeys((one.version, str(one.locate_file(""))) for one in found)
    return list(unique)


def check_numpy(config: Config, found: Sequence[tuple[str, str]], python: str = sys.executable) -> Check:
    """Check for a second numpy of another ABI: it breaks system libraries such as picamera2."""
    told = ", ".join(f"{version} in {folder}" for version, folder in found)
    fix = "make the two numpys the same major version: use the system release whose numpy is 2 or newer (Debian trixie)"
    if len({version.partition(".")[0] for version, _ in found}) > 1:
        fix += ", or make the environment without --system-site-packages where no picamera is used"
        return failed("numpy", f"two that don't fit together: {told}", fix)
    if any(camera.source.startswith("picamera:") for camera in config.camera):
        problem = _import_picamera(python)
        if problem is not None:
            more = f"apt install python3-picamera2, and make the environment with --system-site-packages; {fix}"
            return failed("numpy", f"picamera2 can't be imported: {problem}", more)
    return passed("numpy", told)


def check_kernel_folder(environ: dict[str, str], package: Path, home: Path) -> Check:
    """Check that numba can store compiled kernels somewhere; without such a folder every process compiles them."""
    chosen = environ.get("NUMBA_CACHE_DIR")
    folders = [Path(chosen)] if chosen else [package / "pixels" / "light" / "__pycache__", home / ".cache" / "numba"]
    if any(os.access(_nearest(folder), os.W_OK | os.X_OK) for folder in folders):
        return passed("kernel cache folder", str(folders[0]))
    found = f"{' and '.join(map(str, folders))} can't be written"
    return failed("kernel cache folder", found, "set NUMBA_CACHE_DIR to a folder that the service's user may write")


def check_kernels() -> Check:
    """Check that the compiled kernels are there, so that the service starts in seconds."""
    import edge.enhance
    import edge.track  # noqa: F401  (whoever imports the stages has every kernel)
    from edge.pixels.kernel_cache import kernel_cache

    cache = kernel_cache()
    if not cache.is_writable:
        fix = "give the service's user that folder, or set NUMBA_CACHE_DIR to one it may write"
        return warned("kernel cache", f"{cache.folder} can't be written", fix)
    if cache.cold:
        found = f"{len(cache.cold)} of {cache.num_kernels} kernels are not compiled yet in {cache.folder}"
        return warned("kernel cache", found, "start the service once, or run `edge bench`: it compiles them")
    return passed("kernel cache", f"{cache.num_kernels} kernels in {cache.folder}")


def _import_picamera(python: str) -> str | None:
    """Why the library can't be imported, in a process of its own: a mismatch may end the process."""
    try:
        done = subprocess.run(
            [python, "-c", "import picamera2"], capture_output=True, text=True, timeout=IMPORT_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return type(error).__name__
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or [f"the process ended with {done.returncode}"])[-1][:200]


def _number(path: Path) -> int | None:
    try:
        return int(_text(path))
    except ValueError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""


def _nearest(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
