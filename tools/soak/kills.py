"""Kills the service, its children or its storing half, round after round, with trouble in between.

Most rounds kill the storing half alone (`storing`), which starts in a second; every sixth kills the whole service while
it watches a scene. After each round the directory is opened as at a start, and held against what was delivered.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge.app.selfcheck import demo_clip
from edge.capture.recorder import write_video
from edge.pixels.encode import to_png
from edge.store import Store
from tests.support.appliance import Appliance
from tools.data import ROOT
from tools.soak import strangers
from tools.soak.ledger import Ledger, line_of_json, summary

DISK = "size=200m"
LEAVE_BYTES = 400_000
"""Room that the filler leaves: the next pictures don't fit."""
YEAR_S = 400 * 86400
READY_WITHIN_S = 600.0
"""A soak that runs beside other work starts the service late, which is no breach of a promise."""
PULL_S = 20.0
"""At most so long a round waits for the first alert of the service."""


@dataclass(slots=True)
class Found:
    """What all rounds came to."""

    ledger: Ledger = field(default_factory=Ledger)
    rounds: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    strangers: str = "not looked for"
    is_stranger_kept: bool = False

    @property
    def is_kept(self) -> bool:
        """Whether every promise was kept."""
        one = self.ledger
        broken = len(one.lost) + len(one.changed) + one.given_twice + one.without_picture + one.orphans_left
        return not broken and not self.is_stranger_kept

    def table(self) -> str:
        """In Markdown."""
        return summary(self.rounds, self.ledger, self.skipped, self.strangers)


class Soak:
    """One data directory on a small file system of its own, and the rounds on it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._dice = random.Random(seed)
        self._folder = folder
        self._disk = folder / "disk"
        self._disk.mkdir()
        self._clock = folder / "clock"
        self._clock.write_text("0")
        self.found = Found()
        self._cursor = ""
        self._last_seq = 0
        """Of the page that the cursor follows."""
        self._token = ""

    def run(self, rounds: int, within_s: float) -> Found:
        """Rounds in turn, then what is left on the disk is looked through."""
        ends_at = time.monotonic() + within_s
        with self._mounted() as is_small:
            if not is_small:
                self.found.skipped.append("full disk (no right to mount a small file system)")
            picture = strangers.stranger()
            if picture is None:
                self.found.skipped.append("strangers (no public data: ../shared/data or EDGE_TEST_DATA)")
            write_video(self._folder / "scene.avi", strangers.scene(picture), demo_clip.FPS)
            # On so small a disk the usual room to keep free would shed all that was pulled.
            more = "[visit]\ngap_s = 1.0\n[store]\nmin_free_bytes = 1000000\n"
            self._box = Appliance(self._disk, camera=self._folder / "scene.avi", more=more)
            kinds: list[tuple[str, Callable[[], object]]] = [
                ("service killed, its children before it or with it", self._service),
                ("storing half killed", self._storing),
                ("killed after a step of the clock", self._stepped),
                ("killed, then a damaged page", self._damaged),
                ("killed on a full disk", self._full if is_small else self._storing),
                ("storing half killed", self._storing),
            ]
            if not is_small:
                kinds[4] = kinds[1]
            for number in range(rounds):
                if time.monotonic() > ends_at:
                    break
                name, play = kinds[number % len(kinds)]
                play()
                self.found.rounds[name] += 1
                self._check(f"round {number + 1}, {name}", is_damaged=play == self._damaged)
                print(f"{number + 1}/{rounds} {name}: {len(self.found.ledger.delivered)} delivered", file=sys.stderr)
            self._look_for_strangers(picture)
            self.found.ledger.finish(self._box.data_dir)
        return self.found

    def _check(self, what: str, *, is_damaged: bool) -> None:
        with Store.open(self._box.data_dir) as store:
            self.found.ledger.check(store, what, is_damaged=is_damaged)

    def _storing(self, for_s: tuple[float, float] = (0.0, 0.4)) -> None:
        """The storing half, killed at some moment after its first items."""
        command = [sys.executable, "-m", "tools.soak.storing", str(self._box.data_dir), str(self._clock)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as program:
            assert program.stdout is not None
            lines = [program.stdout.readline() for _ in range(self._dice.randint(2, 40))]
            time.sleep(self._dice.uniform(*for_s))
            program.send_signal(signal.SIGKILL)
            rest = program.stdout.read()
        # What the kill cut short was not delivered.
        self.found.ledger.take([*lines, *rest.rpartition("\n")[0].splitlines()])

    def _stepped(self) -> None:
        """The clock is set a year ahead or back while hits are stored, the program killed, and the clock set right."""
        self._clock.write_text(str(self._dice.choice((YEAR_S, -YEAR_S, 2 * 86400, -7200))))
        self._storing((0.1, 0.5))
        self._clock.write_text("0")

    def _full(self) -> None:
        """The disk is full while hits are stored, and at the start after the kill."""
        filler = self._disk / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while os.statvfs(self._disk).f_bavail * os.statvfs(self._disk).f_bsize > LEAVE_BYTES:
                file.write(b"\0" * 65_536)
        try:
            self._storing((0.3, 0.8))
            with Store.open(self._box.data_dir):
                pass
        finally:
            filler.unlink()

    def _damaged(self) -> None:
        """A kill, and a page of the database that reads as zeros from then on."""
        self._storing()
        with Store.open(self._box.data_dir):
            pass
        path = self._box.data_dir / "edge.db"
        with contextlib.closing(sqlite3.connect(path)) as db:
            size, count = (db.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_size", "page_count"))
        with path.open("r+b") as file:
            file.seek(size * self._dice.randrange(2, count))
            file.write(b"\0" * size)

    def _service(self) -> None:
        """The whole service: alerts are pulled, then it is killed, now and then its children first."""
        self._enrol()
        process = self._box.start()
        try:
            self._box.wait_ready(process, READY_WITHIN_S)
            ends_at = time.monotonic() + PULL_S
            alerts = 0
            while time.monotonic() < ends_at and alerts < 2:
                alerts += self._pull()
            if self._dice.random() < 0.5:
                for child in children_of(process.pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)
                self._pull()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _enrol(self) -> None:
        """The person and the token, where they are not there yet or damage has taken them."""
        with Store.open(self._box.data_dir) as store:
            has_person = store.person("p1") is not None and bool(store.references(person_id="p1"))
            has_token = bool(self._token) and store.check_token(self._token) is not None
            known = bool([token for token in store.tokens() if token.name == "soak"])
        if not has_person:
            portrait = self._folder / "portrait.png"
            portrait.write_bytes(to_png(demo_clip.portrait()))
            done = self._box.edge("enrol", "--id", "p1", "--name", "Demo person", "--status", "demo", portrait)
            if done.returncode:
                raise SystemExit(done.stderr)
        if not has_token:
            if known:
                self._box.edge("token", "revoke", "soak")
            self._token = self._box.token("soak")

    def _pull(self) -> int:
        """One pull, as a central server makes it; how many alerts of the scene it brought."""
        try:
            page = self._box.get(f"/api/v1/alerts?limit=500&wait=2{self._cursor}", self._token)
        except urllib.error.HTTPError as error:
            if error.code == 410:
                self._cursor = ""  # another epoch, or trimmed: told, and pulled from the oldest
            return 0
        except OSError:
            return 0
        # This cursor says that the page before it has arrived.
        self.found.ledger.pulled_to = max(self.found.ledger.pulled_to, self._last_seq if self._cursor else 0)
        self._last_seq = page["items"][-1]["seq"] if page["items"] else self._last_seq
        self._cursor = f"&after={page['next']}"
        self.found.ledger.take(line_of_json(page["epoch"], item) for item in page["items"])
        # Those of the storing half are no sign of what the service sees.
        own = (item for item in page["items"] if item["type"].startswith("alert.") and item["hit_id"])
        return sum(item.get("person", {}).get("id") == "p1" for item in own)

    def _look_for_strangers(self, picture: Path | None) -> None:
        if picture is None:
            return
        count, alike = strangers.find(self._box.data_dir, picture)
        self.found.strangers = f"{alike} (looked for in {count} kept pictures of the scene)"
        self.found.is_stranger_kept = alike > 0

    @contextlib.contextmanager
    def _mounted(self) -> Iterator[bool]:
        mount = ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(self._disk)]
        try:
            is_small = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            is_small = False
        try:
            yield is_small
        finally:
            if is_small:
                subprocess.run(["umount", "--lazy", str(self._disk)], check=True)


def children_of(pid: int) -> list[int]:
    """Processes that a process has started."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(OSError):
            found += [int(one) for one in (task / "children").read_text("ascii").split()]
    return found
