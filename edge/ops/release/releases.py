"""Releases side by side: one link says which is in use, and an update only counts once it has shown that it works.

    <root>/releases/<version>/    venv, edge.toml, sealed reference, installed.json; written last: it is whole
    <root>/current -> releases/<version>
    <root>/trial.json             an update that has not counted yet; survives a power cut
    <root>/outcome.json           what became of the last one

How a service is stopped, started and judged is `site.py`'s and `gate.py`'s.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any, Protocol

from edge import durable
from edge.errors import ConflictError, EdgeError, ReleaseError

log = logging.getLogger(__name__)

WHOLE = "installed.json"
_VERSION = re.compile(r"[0-9][A-Za-z0-9.+_-]{0,63}")


class Site(Protocol):
    """What an update needs of the machine."""

    def stop(self) -> None:
        """Stop the service."""

    def start(self) -> None:
        """Start the service, without waiting for it."""

    def edge(self, version: str, *words: str) -> dict[str, Any]:
        """Run a release's own `edge ... --json` as the service's user; ReleaseError with its words where it fails."""

    @property
    def is_up(self) -> bool:
        """Whether services run here at all; they don't while an image is made."""

    def gate(self, version: str, mark: dict[str, Any]) -> None:
        """Wait until the service has shown that it works; ReleaseError that says what it did not show."""


@dataclass(frozen=True, slots=True)
class Trial:
    """An update under way. `before` is None on a box that had none."""

    version: str
    before: str | None


class Releases:
    """The releases of one box; every change is made under a lock."""

    def __init__(self, root: Path, site: Site) -> None:
        self.root = root
        self.site = site
        self.link = root / "current"
        self._trial = root / "trial.json"

    def lines(self) -> list[dict[str, Any]]:
        """Every release: version, whether it is whole, in use, and on trial."""
        current, trial = self.current(), self.trial()
        found = sorted(path for path in self.folder.glob("*") if path.is_dir() and not path.name.startswith("."))
        return [
            {
                "version": path.name,
                "whole": (path / WHOLE).is_file(),
                "current": path.name == current,
                "trial": trial is not None and trial.version == path.name,
            }
            for path in found
        ]

    @property
    def folder(self) -> Path:
        """Where the releases lie."""
        return self.root / "releases"

    def current(self) -> str | None:
        """Version in use."""
        return self.link.readlink().name if self.link.is_symlink() else None

    def trial(self) -> Trial | None:
        """The update that has not counted yet."""
        try:
            return Trial(**json.loads(self._trial.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise ReleaseError(
                f"{self._trial}: can't be read ({error}); remove it and choose a release again"
            ) from None

    def use(self, version: str) -> str:
        """Update to `version`, or go back to what there was; returns a sentence. ReleaseError where it was refused."""
        with self._locked():
            self._settle()
            if self.current() == version:
                return f"{version} is in use already"
            self._require_whole(version)
            self.site.edge(version, "release", "check")
            trial = Trial(version, self.current())
            self._write(self._trial, asdict(trial))
            return self._try(trial)

    def settle(self) -> str:
        """Bring an update that a power cut interrupted to its end, one way or the other."""
        with self._locked():
            return self._settle() or "no update is under way"

    def _settle(self) -> str | None:
        trial = self.trial()
        if trial is None:
            return None
        if trial.before is not None and self.current() != trial.version:
            self._go_back(trial, "it was interrupted before the release was in use")
        return self._try(trial)

    def _try(self, trial: Trial) -> str:
        try:
            mark = self._switch(trial)
            if not self.site.is_up:
                return f"{trial.version} will be in use, and show that it works, when this system starts"
            self.site.start()
            self.site.gate(trial.version, mark)
        except EdgeError as error:
            self._go_back(trial, str(error))
        self.site.edge(trial.version, "release", "database", "--keep")
        self._note(trial.version, True, "it has shown that it works")
        return f"{trial.version} is in use"

    def _switch(self, trial: Trial) -> dict[str, Any]:
        """Stop, bring the database along, move the link; where that is done already, leave it so."""
        if self.current() != trial.version:
            self.site.stop()
            self.site.edge(trial.version, "release", "database", "--migrate")
            self._point(trial.version)
        return self.site.edge(trial.version, "release", "database")

    def _go_back(self, trial: Trial, why: str) -> None:
        """Put back what there was, and say so; the first release of a box stays, for there is nothing else."""
        log.error("release %s does not count: %s", trial.version, why)
        if trial.before is None:
            self._write(self.root / "outcome.json", {"version": trial.version, "counted": False, "why": why})
            raise ReleaseError(
                f"release {trial.version} does not work on this box: {why}. It is the first one here, so it stays in "
                "place; mend what is wrong, then run `edge release settle`"
            )
        self.site.stop()
        self.site.edge(trial.before, "release", "database", "--put-back")
        self._point(trial.before)
        self.site.start()
        self._note(trial.version, False, why)
        raise ReleaseError(f"release {trial.version} was taken back, {trial.before} is in use again: {why}")

    def _note(self, version: str, counted: bool, why: str) -> None:
        self._write(self.root / "outcome.json", {"version": version, "counted": counted, "why": why})
        self._trial.unlink(missing_ok=True)
        durable.sync(self.root)

    def _require_whole(self, version: str) -> None:
        whole = [line["version"] for line in self.lines() if line["whole"]]
        there = ", ".join(whole) or "none"
        if not _VERSION.fullmatch(version) or version not in whole:
            raise ReleaseError(f"{self.folder}: no whole release {version!r}; there are: {there}. Install it again")

    def _point(self, version: str) -> None:
        durable.point(self.link, Path("releases") / version)

    def _write(self, path: Path, value: dict[str, Any]) -> None:
        durable.replace(path, json.dumps(value).encode(), 0o644)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            handle = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ReleaseError(f"{self.root}: can't be changed ({error.strerror}); run this as root") from None
        try:
            flock(handle, LOCK_EX | LOCK_NB)
            yield
        except BlockingIOError:
            raise ConflictError(f"{self.root}: another update is at work; wait for it") from None
        finally:
            os.close(handle)
