"""The use-case of people for the web side: pictures are checked one job after the other, beside the live work.

The worker has its own models (a session serves one thread) with one thread each, loaded when first needed. Its thread
runs at low priority, so that live frames go first.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from edge.app.build import Models, load_models
from edge.app.people.people import People
from edge.config import Config
from edge.store import Erasure, Store
from edge.watchlist.entry import EnrolOutcome, ListEntry

T = TypeVar("T")
NICENESS = 10


class PeopleWorker:
    """`edge.serve.ports.PeopleService`. `close` waits for the job at hand.

    Without `load` there are no models: entries can be changed and erased, pictures can't be checked.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        load: Callable[[Config], Models] | None = load_models,
        forget_examinations: Callable[[str], int] | None = None,
    ) -> None:
        runtime = config.runtime.model_copy(update={"threads": 1})
        self._config = config.model_copy(update={"runtime": runtime})
        self._load = load
        self._loaded: Models | None = None
        self._people = People(store, None if load is None else self._models, forget_examinations)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="people", initializer=_lower_thread_priority)

    def close(self) -> None:
        """Drop waiting jobs and end the worker."""
        self._worker.shutdown(wait=True, cancel_futures=True)

    async def enrol(
        self,
        entry: ListEntry,
        *,
        by: str,
        replaces: bool = False,
        allow_alike: bool = False,
        if_version: int | None = None,
    ) -> EnrolOutcome:
        """Add or change one person."""

        def work() -> EnrolOutcome:
            return self._people.enrol(entry, by=by, replaces=replaces, allow_alike=allow_alike, if_version=if_version)

        return await self._run(work, has_pictures=entry.pictures is not None)

    async def replace_list(
        self, entries: Sequence[ListEntry], *, by: str, if_version: int | None = None
    ) -> tuple[EnrolOutcome, ...]:
        """Make this the whole list."""

        def work() -> tuple[EnrolOutcome, ...]:
            return self._people.replace_list(entries, by=by, if_version=if_version)

        return await self._run(work, has_pictures=any(entry.pictures is not None for entry in entries))

    async def forget(self, person_id: str, *, by: str, if_version: int | None = None) -> Erasure:
        """Erase a person."""
        return await self._run(lambda: self._people.forget(person_id, by=by, if_version=if_version), has_pictures=False)

    async def _run(self, job: Callable[[], T], *, has_pictures: bool) -> T:
        """Queue a job that checks pictures; run others at once. A caller that goes away doesn't stop the job."""
        worker = self._worker if has_pictures else None
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(worker, job))

    def _models(self) -> Models:
        """The worker's own models; called on its thread."""
        assert self._load is not None
        if self._loaded is None:
            self._loaded = self._load(self._config)
        return self._loaded


def _lower_thread_priority() -> None:
    """Lower this thread's priority. On Linux niceness is per thread, and the model's threads inherit it."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
