"""`edge doctor`: checks whether this appliance can be left alone. Each check looks at one thing and says how to fix it.

settings    values in force, likely mistakes
models      whole, fast, provider, data that belongs to them
people      identity, users, tokens, list, pulls
cameras     frames, focus, light, faces
disk        room, wear, writes
network     port, certificate
machine     clock, heat, throttling, numpy, compiled kernels
check       one answer: verdict, finding and fix
time_limit  what takes too long is left behind
"""

from __future__ import annotations

import datetime as dt
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.config import Config, find_origins, load
from edge.errors import EdgeError
from edge.ops.doctor import disk, machine, models, network, people, settings
from edge.ops.doctor.check import Check, Status, failed
from edge.ops.doctor.time_limit import TimeLimit
from edge.ops.effective import effective
from edge.ops.packs.choice import platform_facts
from edge.ops.system.clock import clock_facts

__all__ = ["Check", "MachinePaths", "Report", "Status", "examine"]

REST_S = 8.0
"""Seconds for what asks the system and the port."""
_PACKAGE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class MachinePaths:
    """Files and folders in which the system describes this machine; tests give others."""

    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    environ: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    hostname: str = field(default_factory=socket.gethostname)
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    begun_s: float = field(default_factory=time.monotonic)

    def at(self) -> dt.datetime:
        """The time now, while `now` was when the checks began: those before this one may have taken long."""
        return self.now + dt.timedelta(seconds=time.monotonic() - self.begun_s)


@dataclass(frozen=True, slots=True)
class Report:
    """All answers, and the settings in force they were given under."""

    checks: tuple[Check, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    is_cut: bool = False
    """Whether a check was cut, which may still be at work on a thread of its own."""

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return all(check.status != "fail" for check in self.checks)


def examine(path: Path | None, board: MachinePaths | None = None, *, within_s: float | None = None) -> Report:
    """Run every check; a broken configuration is the first finding, and then the only one.

    With `within_s` the report is there in that time, whatever hangs: what was cut says so.
    """
    board = board or MachinePaths()
    limit = TimeLimit(within_s)
    try:
        config = load(path)
    except EdgeError as error:
        return Report((failed("configuration", str(error), "correct the setting named here"),))
    checks = limit.run("settings", lambda: settings.check_settings(config, find_origins(path)))
    checks += limit.run("models", lambda: models.check_models(config))
    checks += limit.run("disk", lambda: disk.check_disk(config, board.sys, board.proc))
    checks += limit.run("people", lambda: people.check_people(config, models.embedder_in_use(config), board.now))
    is_running = network.is_service_answering(config)
    kernels = machine.check_kernel_folder(board.environ, _PACKAGE, Path.home())
    checks.append(kernels)
    network_and_machine = limit.run("network and machine", lambda: _check_rest(config, board, is_running), REST_S)
    if kernels.status == "pass":  # otherwise importing any pixel code fails, since numba can't store its kernels
        checks += limit.run("cameras", lambda: _check_cameras_and_kernels(config, board, is_running))
    return Report(tuple(checks + network_and_machine), effective(config), limit.num_cut > 0)


def _check_rest(config: Config, board: MachinePaths, is_running: bool) -> Iterator[Check]:
    yield network.check_port(config, is_running)
    yield from network.check_certificate(config, board.now, board.hostname)
    yield machine.check_clock(clock_facts())
    yield machine.check_temperature(board.sys / "class" / "thermal")
    yield machine.check_throttling(board.sys)
    yield machine.check_soak(config.data_dir, platform_facts())
    yield machine.check_numpy(config, machine.numpys())


def _check_cameras_and_kernels(config: Config, board: MachinePaths, is_running: bool) -> list[Check]:
    from edge.ops.doctor import cameras
    from edge.ops.system.camera_status import read_status

    told = read_status(config.data_dir, board.at()) if is_running else None
    if is_running and told is None:
        fix = "wait a minute; if it stays, the service is hung: restart it, and look at its log"
        return [failed("cameras", "the service answers, but has not told of its cameras for over a minute", fix)]
    return [*cameras.check_cameras(config, told), machine.check_kernels()]
