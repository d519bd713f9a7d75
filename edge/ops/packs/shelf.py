"""Model packs side by side, and the link that says which one is in use. What a pack's models answer is not judged here.

    <folder>/<name>/manifest.json ...    packs, never changed once they are there
    <folder>/current -> <name>           the pack in use; replaced by one rename; none: the packaged pack
    <folder>/previous -> <name>          the one before, for the way back
    ... -> packaged                      a dangling link that means the packaged pack

No link leads to the packaged pack by its path: that lies in the release, and goes when the release goes. The folder is
`data_dir/models`, or the one around the link that `models_dir` names.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge import durable
from edge.config import PACKAGED_MODELS, Config, pack_link
from edge.errors import ConfigError, ConflictError, ModelError, StoreError
from edge.sessions import PACKAGED, Pack, follow

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_RESERVED = frozenset({"current", "previous", PACKAGED})


@dataclass(frozen=True, slots=True)
class PackLine:
    """One pack as `edge models packs` lists it."""

    name: str
    path: Path
    digest: str | None
    is_used: bool
    is_previous: bool
    problem: str | None


class Shelf:
    """The packs of one device."""

    def __init__(self, config: Config) -> None:
        self.link = pack_link(config)
        self.folder = self.link.parent
        self.previous = self.folder / "previous"
        self._is_demanded = "models_dir" in config.model_fields_set
        if self.link.exists() and not self.link.is_symlink():
            raise ConfigError(
                f"{self.link}: models_dir is a plain folder, so no other pack can be put in its place; leave "
                "models_dir out of the configuration, or let it name a link such as .../models/current"
            )

    @property
    def used(self) -> Path:
        """Folder of the pack in use, whether it is there or not."""
        return self._target(self.link) or PACKAGED_MODELS.resolve()

    def lines(self) -> list[PackLine]:
        """The packaged pack and all that were pulled."""
        used, previous = self.used, self._target(self.previous)
        lines = [self._line(PACKAGED, PACKAGED_MODELS, used, previous)]
        found = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        for path in found:
            if path.is_dir() and not path.is_symlink() and _NAME.fullmatch(path.name):
                lines.append(self._line(path.name, path, used, previous))
        return lines

    def find(self, name: str) -> Path:
        """Folder of the pack of that name; raises ModelError that lists the names there are."""
        path = PACKAGED_MODELS if name == PACKAGED else self.folder / name
        if (name == PACKAGED or _NAME.fullmatch(name)) and path.is_dir() and name not in ("current", "previous"):
            return path
        names = ", ".join(line.name for line in self.lines())
        raise ModelError(
            f"{self.folder}: no model pack called {name!r}; there are: {names}. `edge models pull` adds one"
        )

    def place(self, incoming: Path, name: str) -> Path:
        """Put a checked folder under its name; the very same pack may be there already. Raises ConflictError."""
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise ConflictError(f"{name!r} is no name for a pack; use lower case letters, digits, dot, - and _")
        path = self.folder / name
        if path.exists():
            if Pack.open(path).digest() != Pack.open(incoming).digest():
                raise ConflictError(f"{path}: another pack has this name; give --name")
            damaged = path.with_name(f".{path.name}.old")
            shutil.rmtree(damaged, ignore_errors=True)  # left behind by a run that broke off
            path.rename(damaged)
            incoming.rename(path)
            shutil.rmtree(damaged)
        else:
            incoming.rename(path)
        durable.sync(self.folder)
        return path

    def swap(self, path: Path) -> None:
        """Put a pack in use: one rename or removal, so that at every instant there is a whole pack. Raises StoreError.

        A link that the configuration names as models_dir has to stay, so that one is never removed.
        """
        try:
            before = self.link.readlink() if self.link.is_symlink() else Path(PACKAGED)
            durable.point(self.previous, Path(PACKAGED) if before == PACKAGED_MODELS else before)
            if path == PACKAGED_MODELS and not self._is_demanded:
                self.link.unlink(missing_ok=True)
            else:
                near = Path(path.name) if path.parent == self.folder else path
                durable.point(self.link, Path(PACKAGED) if path == PACKAGED_MODELS else near)
            durable.sync(self.folder)
        except OSError as error:
            raise StoreError(f"{self.link}: can't be changed ({error.strerror}); check who owns it") from None

    def back(self) -> Path:
        """The pack that was in use before this one; raises ModelError where there is none."""
        path = self._target(self.previous)
        if path == PACKAGED_MODELS.resolve():
            return PACKAGED_MODELS
        if path is None or not path.is_dir():
            raise ModelError(f"{self.previous}: no earlier pack to go back to; name one with `edge models use NAME`")
        return self.folder / path.name if path.parent == self.folder.resolve() else path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One change at a time; raises ConflictError where another is under way."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(f"{self.folder}: can't be written ({error.strerror}); check who owns data_dir") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise ConflictError(f"{self.folder}: another `edge models` command is at work; wait for it") from None
        finally:
            os.close(handle)

    def _line(self, name: str, path: Path, used: Path | None, previous: Path | None) -> PackLine:
        try:
            digest, problem = Pack.open(path).digest(), None
        except ModelError as error:
            digest, problem = None, str(error)
        real = path.resolve()
        return PackLine(name, path, digest, real == used, real == previous, problem)

    @staticmethod
    def _target(link: Path) -> Path | None:
        return follow(link) if link.is_symlink() else None
