"""Installed releases and the symbolic link to the one in use; an update that does not prove itself is rolled back.

    <root>/releases/<version>/    venv, edge.toml, sealed clip; installed.json is written last, and says it is whole
    <root>/current -> releases/<version>
    <root>/trial.json             an update not yet accepted; survives a power cut
    <root>/outcome.json           the outcome of the last update

`site.py` stops and starts a service, `gate.py` judges it.
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

from edge import durable, state_file
from edge.errors import ConflictError, EdgeError, ReleaseError

log = logging.getLogger(__name__)

COMPLETE_MARK = "installed.json"
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
    """An update under way. `before` is None for the first release of an appliance."""

    version: str
    before: str | None


class Releases:
    """The releases of one appliance; every change is made under a lock."""

    def __init__(self, root: Path, site: Site) -> None:
        self.root = root
        self.site = site
        self.link = root / "current"
        self._trial = root / "trial.json"

    def list_releases(self) -> list[dict[str, Any]]:
        """Every release: version, whether it is whole, in use, and on trial."""
        current, trial = self.current(), self.trial()
        found = sorted(path for path in self.folder.glob("*") if path.is_dir() and not path.name.startswith("."))
        return [
            {
                "version": path.name,
                "whole": (path / COMPLETE_MARK).is_file(),
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
        """The update that is not yet accepted."""
        try:
            found = state_file.read(self._trial, Trial)
            for version in filter(None, (found.version, found.before)):
                if not _VERSION.fullmatch(version):
                    raise ValueError(f"{version[:40]!r} is no version")
            return found
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ReleaseError(
                f"{self._trial}: can't be read ({error}); remove it and choose a release again"
            ) from None

    def use(self, version: str) -> str:
        """Update to `version` and return a sentence; rolls back and raises ReleaseError where it does not work."""
        with self._locked():
            self._settle()
            if self.current() == version:
                return f"{version} is in use already"
            self._require_whole(version)
            self.site.edge(version, "release", "check")
            trial = Trial(version, self.current())
            self._write(self._trial, asdict(trial))
            return self._activate(trial)

    def settle(self) -> str:
        """Complete or roll back an update that a power cut interrupted."""
        with self._locked():
            return self._settle() or "no update is under way"

    def _settle(self) -> str | None:
        trial = self.trial()
        if trial is None:
            return None
        if trial.before is not None and self.current() != trial.version:
            self._roll_back(trial, "it was interrupted before the release was in use")
        return self._activate(trial)

    def _activate(self, trial: Trial) -> str:
        try:
            mark = self._switch(trial)
            if not self.site.is_up:
                return f"{trial.version} will be in use, and show that it works, when this system starts"
            self.site.start()
            self.site.gate(trial.version, mark)
        except EdgeError as error:
            self._roll_back(trial, str(error))
        self.site.edge(trial.version, "release", "database", "--keep")
        self._write_outcome(trial.version, True, "it has shown that it works")
        return f"{trial.version} is in use"

    def _switch(self, trial: Trial) -> dict[str, Any]:
        """Stop the service, migrate the database and move the link, unless that was done before a power cut."""
        if self.current() != trial.version:
            self.site.stop()
            self.site.edge(trial.version, "release", "database", "--migrate")
            self._point(trial.version)
        return self.site.edge(trial.version, "release", "database")

    def _roll_back(self, trial: Trial, why: str) -> None:
        """Roll back to the previous release and raise ReleaseError; a first release stays, as there is none before."""
        log.error("release %s is not accepted: %s", trial.version, why)
        if trial.before is None:
            self._write(self.root / "outcome.json", {"version": trial.version, "accepted": False, "why": why})
            raise ReleaseError(
                f"release {trial.version} does not work on this box: {why}. It is the first one here, so it stays in "
                "place; mend what is wrong, then run `edge release settle`"
            )
        self.site.stop()
        try:
            # The link first: cut off in between, the former release refuses the newer database, and settling goes on.
            # The other way round the refused one would start, and bring the restored database to its own schema.
            self._point(trial.before)
            try:
                self.site.edge(trial.before, "release", "database", "--put-back")
            except EdgeError:
                self._point(trial.version)
                raise
        finally:
            self.site.start()  # where it can't be rolled back, what is in place is better than an idle box
        self._write_outcome(trial.version, False, why)
        raise ReleaseError(f"release {trial.version} was rolled back, {trial.before} is in use again: {why}")

    def _write_outcome(self, version: str, accepted: bool, why: str) -> None:
        self._write(self.root / "outcome.json", {"version": version, "accepted": accepted, "why": why})
        self._trial.unlink(missing_ok=True)
        durable.sync(self.root)

    def _require_whole(self, version: str) -> None:
        whole = [line["version"] for line in self.list_releases() if line["whole"]]
        there = ", ".join(whole) or "none"
        if not _VERSION.fullmatch(version) or version not in whole:
            raise ReleaseError(f"{self.folder}: no whole release {version!r}; there are: {there}. Install it again")

    def _point(self, version: str) -> None:
        with self._release_errors():
            durable.point(self.link, Path("releases") / version)

    def _write(self, path: Path, value: dict[str, Any]) -> None:
        with self._release_errors():
            durable.replace(path, json.dumps(value).encode(), 0o644)

    @contextmanager
    def _release_errors(self) -> Iterator[None]:
        """A full disk, or one that can't be written, is a ReleaseError, so that the update is rolled back."""
        try:
            yield
        except OSError as error:
            raise ReleaseError(f"{self.root}: can't be changed ({error.strerror}); mend that, and try again") from None

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
