"""Checks whether the model files of a running service are still there and unchanged: else it could not start again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from edge.app.health import checks
from edge.errors import EdgeError
from edge.sessions import Pack

Mark = tuple[int, int, int]


class ModelFiles:
    """Checks the files of a pack; reads one again only if it was touched."""

    def __init__(self, models_dir: Path, promised: Mapping[str, str]) -> None:
        self._folder = models_dir
        self._promised = dict(promised)
        self._marks = {file: _mark(models_dir / file) for file in promised}
        self._wrong: dict[str, str] = {}

    def look(self) -> tuple[str, str]:
        """The condition `models`: `missing` or `altered`, with file and advice. A new pack in its place is no fault."""
        for file, sha256 in self._promised.items():
            mark = _mark(self._folder / file)
            if mark is None:
                self._wrong[file] = "missing"
            elif mark != self._marks[file] or file in self._wrong:
                self._judge(file, sha256)
            self._marks[file] = mark
        if not self._wrong or self._is_replaced():
            return checks.OK, "the model files are whole again"
        file, state = next(iter(self._wrong.items()))
        what = "is gone" if state == "missing" else "is not what its manifest promises"
        return state, f"{self._folder / file} {what}: restore it before the next start"

    def _judge(self, file: str, sha256: str) -> None:
        try:
            is_whole = hashlib.sha256((self._folder / file).read_bytes()).hexdigest() == sha256
        except OSError:
            is_whole = False
        if is_whole:
            self._wrong.pop(file, None)
        else:
            self._wrong[file] = "altered"

    def _is_replaced(self) -> bool:
        """Whether the folder now holds another whole pack."""
        try:
            entries = Pack.open(self._folder).manifest.models
        except EdgeError:
            return False
        others = {entry.file: entry for entry in entries}
        if set(others) & set(self._wrong):
            return False
        return all((self._folder / file).is_file() for file in others)


def _mark(path: Path) -> Mark | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
