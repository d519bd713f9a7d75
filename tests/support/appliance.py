"""An appliance for tests: the `edge` command as a process, with its configuration and data in a folder."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.app.build import Models, load_models
from edge.app.people.people import enrol
from edge.config import load
from edge.records import Person
from edge.store import Store
from tests.support.ports import free_port

READY_WITHIN_S = 240.0
PREPARED = ("prepared in", "nobody is recognised until this is fixed")
"""What the log says once the service does what it can."""


class Appliance:
    """A data directory, a configuration file and the commands on them."""

    def __init__(
        self, folder: Path, *, camera: Path | None = None, loop: bool = True, realtime: bool = True, more: str = ""
    ) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "edge.toml"
        cameras = ""
        if camera is not None:
            play = f"loop = {str(loop).lower()}\nrealtime = {str(realtime).lower()}\n"
            cameras = f'[[camera]]\nname = "door"\nsource = "file:{camera}"\n{play}'
        self.config.write_text(f'data_dir = "{self.data_dir}"\n[serve]\nport = {self.port}\n{more}\n{cameras}', "utf-8")

    def edge(
        self, *args: str | Path, stdin: str | None = None, timeout: float = 240
    ) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return edge(*args, "--config", self.config, stdin=stdin, timeout=timeout)

    def token(self, name: str = "central", *more_scopes: str) -> str:
        """A new token that may read alerts, made as `edge token add` does."""
        with Store.open(self.data_dir) as store:
            return store.add_token(name, ["alerts:read", *more_scopes]).result(60)

    def user(self, name: str, role: str, password: str) -> None:
        """Add somebody who can log in, as `edge user add` does."""
        with Store.open(self.data_dir) as store:
            store.add_user(name, role, password).result(60)

    def enrol(self, person: Person, *pictures: Path) -> None:
        """Put somebody on the list, as `edge enrol` does, with models that are loaded once."""
        with Store.open(self.data_dir) as store:
            enrol(store, packaged_models(), person, pictures)

    def start(self) -> subprocess.Popen[str]:
        """Start the service, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "edge", "run", "--config", str(self.config)],
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log.jsonl").open("a", encoding="utf-8"),
            text=True,
            start_new_session=True,
            env=clean_env(),
        )

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        """The service, up; ended when the block is left."""
        process = self.start()
        try:
            self.wait_ready(process)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def wait_ready(self, process: subprocess.Popen[str], within_s: float = READY_WITHIN_S) -> None:
        """Wait until /livez answers, and nothing is being prepared any more."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise AssertionError(f"the service ended with {process.returncode}: {self.log()[-3000:]}")
            try:
                with urllib.request.urlopen(f"{self.url}/livez", timeout=2):
                    log = self.log()
                    if max(log.rfind(word) for word in PREPARED) > log.rfind("serving on"):
                        return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"the service was not ready in time: {self.log()[-3000:]}")

    def log(self) -> str:
        """All the service has logged."""
        path = self.folder / "log.jsonl"
        return path.read_text("utf-8") if path.exists() else ""

    def get(self, path: str, token: str) -> Any:
        """JSON of an API answer."""
        return json.loads(self.text(path, token))

    def text(self, path: str, token: str) -> str:
        """Text of an answer."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=70) as answer:
            return str(answer.read().decode())


def clean_env() -> dict[str, str]:
    """The environment without settings of ours, but for another model pack that is to be tested."""
    return {k: v for k, v in os.environ.items() if not k.startswith("EDGE_") or k == "EDGE_MODELS_DIR"}


def edge(*args: str | Path, stdin: str | None = None, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    """Run one `edge` command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "edge", *map(str, args)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=clean_env(),
        check=False,
    )


@functools.cache
def packaged_models() -> Models:
    """The models that a service without settings uses."""
    return load_models(load())


def enrolled(folder: Path, clip: Path, portrait: Path, **options: Any) -> tuple[Appliance, str]:
    """A box with one person enrolled, and a token for the feed."""
    box = Appliance(folder, camera=clip, **options)
    box.enrol(Person("p1", "Demo person", "demo"), portrait)
    return box, box.token()
