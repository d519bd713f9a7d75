"""Counts starts that never came to run for a while, so that a service that falls over and over ends in a safe page.

A start is noted before anything is opened and struck out once the service has run for a minute, or was stopped in an
orderly way. So a crash, a kill and a hang at the start count as well as an error. Other boots' starts don't count.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from edge import state_file
from edge.durable import replace
from edge.ops.system.clock import boot_id
from edge.store.clocks import read_boot_clock

FILE = "starts.json"
MAX_STARTS = 5
WITHIN_S = 900.0
"""So many starts that came to nothing, within so many seconds, are a service that falls over and over."""
GOOD_AFTER_S = 60.0
"""A service that has run for so long has started."""
SILENT = "the program ended without a word: it crashed, or was killed while it started"


@dataclass(slots=True)
class _State:
    boot_id: str = ""
    at_s: list[float] = field(default_factory=list)
    """Boot clock of each start that is not struck out."""
    why: str = ""
    kind: str = ""
    is_safe: bool = False
    """Whether the safe page is shown; it alone tries again."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The last failed start: `kind` as the safe page names it, and one paragraph."""

    kind: str
    why: str


class FailedStarts:
    """The file `starts.json` of a data directory. Where it can't be written, nothing is counted."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE
        self._state = self._read()
        self.is_kept = True
        """Whether the file could be written."""

    def begin(self, *, is_trial: bool = False) -> Failure | None:
        """Note a start; where there were too many, the last failure, and the start is not to be made.

        A trial is the safe page's own try: it is made whatever there was before.
        """
        now_s = read_boot_clock()[1] / 1e9
        self._state.at_s = [at for at in self._state.at_s if now_s - at <= WITHIN_S]
        if not is_trial and (self._state.is_safe or len(self._state.at_s) >= MAX_STARTS):
            return Failure(self._state.kind or "crash", self._state.why or SILENT)
        self._state.at_s.append(now_s)
        self._state.kind = self._state.why = ""
        self._write()
        return None

    def note(self, failure: Failure) -> bool:
        """Note why the start failed; returns whether there were too many."""
        self._state.kind, self._state.why = failure.kind, failure.why
        self._write()
        return self._state.is_safe or len(self._state.at_s) >= MAX_STARTS

    def keep_safe(self) -> None:
        """Note that the safe page is shown: what restarts it shows it again at once."""
        self._state.is_safe = True
        self._write()

    def clear(self) -> None:
        """The service has started, or was told to stop: nothing counts any more."""
        self._state = _State(boot_id())
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _read(self) -> _State:
        try:
            state = state_file.read(self._path, _State)
        except (OSError, ValueError):
            return _State(boot_id())
        return state if state.boot_id == boot_id() else _State(boot_id())

    def _write(self) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace(self._path, json.dumps(asdict(self._state)).encode())
            self.is_kept = True
        except OSError:
            self.is_kept = False
