"""Loads what brightening needs, a compiler among it, when it first seems to be needed: in a bright scene never."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class KernelLoader:
    """Runs `load` once, on a thread of its own. Any thread may ask."""

    def __init__(self, load: Callable[[], None]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_done = threading.Event()

    def note_loaded(self) -> None:
        """All is there already."""
        self._is_done.set()

    def start(self) -> None:
        """Begin, if nobody has; returns at once."""
        if self._is_done.is_set():
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="kernels", daemon=True)
                self._thread.start()

    def wait(self) -> None:
        """Return once all is there. What failed is tried again by whoever calls a kernel, who then hears why."""
        self.start()
        self._is_done.wait()

    def _run(self) -> None:
        began = time.monotonic()
        try:
            self._load()
            log.info("what brightens dark faces was loaded in %.1f s", time.monotonic() - began)
        finally:
            self._is_done.set()
