"""`edge doctor`: is this box fit to be left alone? Each check looks at one thing and says how to fix it."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edge.capture.camera import Camera
from edge.config import CameraConfig, Config, load
from edge.errors import EdgeError
from edge.ops.clock import clock_facts
from edge.records import CameraState
from edge.sessions import Pack
from edge.store import Store

FIRST_FRAME_S = 10.0
WARM_CELSIUS, HOT_CELSIUS = 75.0, 85.0
THERMAL = Path("/sys/class/thermal")

Status = Literal["pass", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """The answer of one check; `fix` is there whenever it did not pass."""

    name: str
    status: Status
    found: str
    fix: str | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"name": self.name, "status": self.status, "found": self.found, "fix": self.fix}


def examine(path: Path | None) -> list[Check]:
    """Run every check; a broken configuration is the first finding, and then the only one."""
    try:
        config = load(path)
    except EdgeError as error:
        return [Check("configuration", "fail", str(error), "correct the setting named here")]
    checks = [Check("configuration", "pass", f"{len(config.camera)} cameras, data in {config.data_dir}")]
    running = _answers(config)
    checks += _models(config)
    checks += _storage(config)
    checks += _store(config)
    checks += _cameras(config, running)
    checks.append(_port(config, running))
    checks.append(check_clock(clock_facts()))
    checks.append(check_temperature(THERMAL))
    return checks


def _models(config: Config) -> Iterator[Check]:
    try:
        pack = Pack.open(config.models_dir)
    except EdgeError as error:
        yield Check("models", "fail", str(error), "restore the model folder from the release")
        return
    for result in pack.verify(config.runtime):
        name = f"model {result.entry.name}"
        if result.problem:
            yield Check(
                name, "fail", result.problem, "restore this file from the release, then run `edge models verify`"
            )
        else:
            yield Check(name, "pass", f"{result.entry.precision}, hash as promised, runs on {result.provider}")


def _storage(config: Config) -> Iterator[Check]:
    folder = config.data_dir
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Check(
            "data directory",
            "fail",
            f"{folder} can't be written",
            "give the service's user the folder: chown it, or set data_dir",
        )
        return
    free = shutil.disk_usage(folder).free
    limit = config.store.min_free_bytes
    found = f"{free / 1e9:.1f} GB free at {config.data_dir}"
    if free < limit:
        yield Check(
            "data directory", "fail", found, f"free at least {limit / 1e9:.1f} GB, or lower store.min_free_bytes"
        )
    elif free < 3 * limit:
        yield Check(
            "data directory",
            "warn",
            found,
            "pictures will soon be shed; free some space or lower store.max_image_bytes",
        )
    else:
        yield Check("data directory", "pass", found)


def _store(config: Config) -> Iterator[Check]:
    """What the database holds; a box without one yet lacks the same things, and is not given one by looking."""
    users = tokens = people = models = 0
    if not (config.data_dir / "edge.db").exists():
        fix = "it is made when the service, `edge user add` or `edge enrol` first runs"
        yield Check("database", "warn", "not made yet", fix)
    else:
        try:
            with Store.open(config.data_dir) as store:
                users, tokens, people = len(store.users()), len(store.tokens()), len(store.people())
                models = len({reference.model_sha256 for reference in store.references()})
        except EdgeError as error:
            fix = "restore the data directory from a backup, or move it away to start anew"
            yield Check("database", "fail", str(error), fix)
            return
        yield Check("database", "pass", "opens, schema as expected")
    yield _some("users", users, "nobody can log in", "edge user add NAME --role guard")
    yield _some("tokens", tokens, "no central server can pull", "edge token add NAME --scope alerts:read")
    yield _some(
        "watchlist", people, "nobody is looked for", "edge enrol --id ID --name NAME --status STATUS PICTURE..."
    )
    if models > 1:
        fix = "enrol the older ones again: embeddings of different models are never compared"
        yield Check("references", "warn", f"made by {models} models", fix)


def _some(name: str, count: int, nothing: str, fix: str) -> Check:
    return Check(name, "pass", str(count)) if count else Check(name, "warn", nothing, fix)


def _cameras(config: Config, running: bool) -> list[Check]:
    if not config.camera:
        return [Check("cameras", "fail", "none is configured", "add a [[camera]] table with name and source")]
    if running:
        return [Check("cameras", "pass", "the running service holds them; its page and /metrics say how they are")]
    with ThreadPoolExecutor(len(config.camera)) as pool:
        return list(pool.map(_camera, config.camera))


def _camera(settings: CameraConfig) -> Check:
    """Open the camera as the service would and wait for a frame."""
    name = f"camera {settings.name}"
    camera = Camera(settings)
    try:
        camera.start()
        deadline = time.monotonic() + FIRST_FRAME_S
        frame = None
        while frame is None and time.monotonic() < deadline:
            frame = camera.newest(timeout_s=0.5)
        health = camera.health()
    except EdgeError as error:
        return Check(name, "fail", str(error), "correct its source in the configuration")
    finally:
        camera.stop()
    if frame is None:
        return Check(
            name,
            "fail",
            f"no frame in {FIRST_FRAME_S:.0f} s: {health.detail}",
            "check cable, address and password, then run this again",
        )
    height, width = frame.image.shape[:2]
    mean = float(frame.image[::8, ::8].mean())
    found = f"{width} x {height}, mean brightness {mean:.0f} of 255"
    if health.state is CameraState.DARK or mean < 12:
        return Check(
            name, "warn", found, "the picture is nearly black: take off the lens cap, or give the place some light"
        )
    return Check(name, "pass", found)


def _answers(config: Config) -> bool:
    """Whether something listens where the service would."""
    try:
        with socket.create_connection((config.serve.host, config.serve.port), timeout=1.0) as link:
            link.sendall(b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b"200" in link.recv(64)
    except OSError:
        return False


def _port(config: Config, running: bool) -> Check:
    where = f"{config.serve.host}:{config.serve.port}"
    if running:
        return Check("port", "pass", f"the service answers on {where}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.serve.host, config.serve.port))
        except OSError as error:
            return Check(
                "port", "fail", f"{where}: {error.strerror}", "stop the other program, or set serve.port to a free one"
            )
    return Check("port", "pass", f"{where} is free")


def check_clock(facts: dict[str, Any]) -> Check:
    """Judge what the kernel says of the clock."""
    if facts["synced"] is None:
        return Check(
            "clock",
            "warn",
            "this machine does not say whether its clock is synchronised",
            "run a time service, such as chrony",
        )
    if not facts["synced"]:
        return Check(
            "clock", "warn", "not synchronised: times in alerts may be wrong", "run a time service, such as chrony"
        )
    return Check("clock", "pass", f"synchronised, error below {facts['error_bound_ms']:.0f} ms")


def check_temperature(folder: Path) -> Check:
    """Judge the hottest thermal zone under `folder` (sysfs: millidegrees Celsius)."""
    degrees = []
    for file in sorted(folder.glob("thermal_zone*/temp")):
        try:
            degrees.append(int(file.read_text("ascii")) / 1000)
        except (OSError, ValueError):
            continue
    if not degrees:
        return Check("temperature", "pass", "no sensor on this machine")
    hottest = max(degrees)
    found = f"{hottest:.0f} degrees Celsius"
    if hottest >= HOT_CELSIUS:
        return Check("temperature", "fail", found, "the box throttles: give it air, a heat sink or shade")
    if hottest >= WARM_CELSIUS:
        return Check("temperature", "warn", found, "give the box more air before summer does it for you")
    return Check("temperature", "pass", found)
