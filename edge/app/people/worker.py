"""The desk: looks at pictures people and machines hand over, one job after the other, beside the live work.

It has its own models (a session serves one thread) with one thread each, loaded when first needed. Its worker thread
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
from edge.app.people.enrolment import Enrolment, check
from edge.config import Config
from edge.records import Person
from edge.serve.ports import Enrolled, Entry, PictureOutcome, Upload
from edge.store import Listing, Receipt, Store

T = TypeVar("T")
NICENESS = 10


class VisionDesk:
    """`edge.serve.ports.PeopleService` over real models. `close` waits for the job at hand."""

    def __init__(self, config: Config, store: Store, load: Callable[[Config], Models] = load_models) -> None:
        runtime = config.runtime.model_copy(update={"threads": 1})
        self._config = config.model_copy(update={"runtime": runtime})
        self._store = store
        self._load = load
        self._models: Models | None = None
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="desk", initializer=_go_last)

    def close(self) -> None:
        """Drop what waits and end the worker."""
        self._worker.shutdown(wait=True, cancel_futures=True)

    async def enrol(
        self,
        person: Person,
        pictures: Sequence[Upload],
        *,
        by: str,
        replace: bool = False,
        if_version: int | None = None,
    ) -> Enrolled:
        """Check pictures and keep those that pass."""

        def work() -> Enrolled:
            done = self._check(person, pictures, replace=replace)
            if done.references:
                listing = Listing(person, done.references, done.images, replaces=replace)
                self._store.put_listing(listing, by=by, if_version=if_version).result()
            return _told(done)

        return await self.work(work)

    async def replace_all(
        self, entries: Sequence[Entry], *, by: str, if_version: int | None = None
    ) -> tuple[Enrolled, ...]:
        """Make this the whole list; one person without a usable picture among pictures given, and nothing is stored."""

        def work() -> tuple[Enrolled, ...]:
            told, listings = [], []
            for entry in entries:
                if entry.pictures is None:
                    told.append(Enrolled(entry.person, is_stored=True, outcomes=(), num_references=0))
                    listings.append(Listing(entry.person))
                    continue
                done = self._check(entry.person, entry.pictures, replace=True, allow_alike=True)
                told.append(_told(done))
                listings.append(Listing(entry.person, done.references, done.images, replaces=True))
            if all(one.is_stored for one in told):
                self._store.replace_people(listings, by=by, if_version=if_version).result()
            return tuple(told)

        return await self.work(work)

    async def erase(self, person_id: str, *, by: str, if_version: int | None = None) -> Receipt:
        """Erase a person."""
        return await asyncio.wrap_future(self._store.forget_person(person_id, by=by, if_version=if_version))

    async def work(self, job: Callable[[], T]) -> T:
        """Run a job on the worker; a caller that goes away doesn't take back what has begun."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._worker, job))

    def models(self) -> Models:
        """The desk's own models; to be called on the worker."""
        if self._models is None:
            self._models = self._load(self._config)
        return self._models

    def _check(
        self, person: Person, pictures: Sequence[Upload], *, replace: bool, allow_alike: bool = False
    ) -> Enrolment:
        files = [(picture.name, picture.data) for picture in pictures]
        return check(self._store, self.models(), person, files=files, replace=replace, allow_alike=allow_alike)


def _told(done: Enrolment) -> Enrolled:
    outcomes = tuple(PictureOutcome(o.source, o.accepted, o.reason, o.message, o.numbers) for o in done.outcomes)
    return Enrolled(done.person, bool(done.references), outcomes, len(done.references))


def _go_last() -> None:
    """On Linux a niceness is a thread's own, and its model's threads inherit it."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
