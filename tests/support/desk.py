"""Who takes pictures of people for the web side: one that takes every PNG, and the real one with real models."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np

from edge.app.people.worker import VisionDesk
from edge.config import Config
from edge.errors import NotFoundError
from edge.records import Person, Reference
from edge.serve.ports import DESK, Enrolled, Entry, PictureOutcome, Upload
from edge.store import Listing, Receipt, Store
from tests.support.drawings import sha256
from tests.support.web import Box, running


class FakeDesk:
    """Takes every PNG for a good picture; the real one is tested with real models."""

    def __init__(self) -> None:
        self.store: Store | None = None

    async def enrol(
        self,
        person: Person,
        pictures: Sequence[Upload],
        *,
        by: str,
        replace: bool = False,
        if_version: int | None = None,
    ) -> Enrolled:
        told, listing = look(Entry(person, tuple(pictures)))
        if told.is_stored:
            assert self.store is not None
            await asyncio.wrap_future(self.store.put_listing(listing, by=by, if_version=if_version))
        return told

    async def replace_all(
        self, entries: Sequence[Entry], *, by: str, if_version: int | None = None
    ) -> tuple[Enrolled, ...]:
        looked = [look(entry) for entry in entries]
        if all(told.is_stored for told, _ in looked):
            assert self.store is not None
            listings = [listing for _, listing in looked]
            await asyncio.wrap_future(self.store.replace_people(listings, by=by, if_version=if_version))
        return tuple(told for told, _ in looked)

    async def erase(self, person_id: str, *, by: str, if_version: int | None = None) -> Receipt:
        raise NotFoundError(person_id)


def look(entry: Entry) -> tuple[Enrolled, Listing]:
    if entry.pictures is None:
        return Enrolled(entry.person, True, (), 0), Listing(entry.person)
    good = [picture for picture in entry.pictures if picture.data.startswith(b"\x89PNG")]
    outcomes = tuple(
        PictureOutcome(p.name, p in good, None if p in good else "no_face", "looked at", {"faces": float(p in good)})
        for p in entry.pictures
    )
    vector = np.zeros(128, np.float32)
    vector[7] = 1.0
    references, images = [], {}
    for picture in good:
        name = sha256(picture.data)
        images[name] = picture.data
        reference_id = f"{entry.person.person_id}-{name[:8]}"
        references.append(Reference(reference_id, entry.person.person_id, name, vector, "e" * 64, {}, picture.name))
    told = Enrolled(entry.person, bool(good), outcomes, len(good))
    return told, Listing(entry.person, tuple(references), images, replaces=True)


@contextlib.asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Box]:
    async with running(folder) as box:
        made = VisionDesk(Config(data_dir=folder / "data"), box.store)
        box.runner.app._state[DESK] = made
        try:
            yield box
        finally:
            made.close()
