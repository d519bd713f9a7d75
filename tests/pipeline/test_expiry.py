"""Entries past their end and lists past their age never match, and say why."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from edge.app.build import Models, load_active_list
from edge.app.offline.clips import EPOCH, process
from edge.app.offline.contents import find_clips
from edge.app.people.people import People
from edge.app.people.worker import PeopleWorker
from edge.config import Config, load
from edge.errors import PreconditionError
from edge.pipeline import ActiveList
from edge.records import Person, Reason
from edge.store import Store
from edge.store.audit.audit import LOCAL
from edge.watchlist.entry import ListEntry, Upload

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_an_expired_entry_and_a_list_too_old_never_match() -> None:
    people = [Person("a", "A", "x", NOW), Person("b", "B", "x", NOW + dt.timedelta(days=1)), Person("c", "C", "x")]
    active_list = ActiveList.of(people, [], 1, "d")
    assert active_list.expired_at(NOW - dt.timedelta(seconds=1)) == set()
    assert active_list.expired_at(NOW) == {"a"}
    stale = ActiveList.of(people, [], 1, "d", good_until=NOW)
    assert not stale.is_stale(NOW - dt.timedelta(seconds=1))
    assert stale.expired_at(NOW) == {"a", "b", "c"}


async def use_the_worker(worker: PeopleWorker, store: Store, portrait: bytes) -> None:
    """Add, replace, refuse and erase through the worker."""
    good, bad = Upload("face.png", portrait), Upload("noise.png", b"no picture")
    added = await worker.enrol(ListEntry(Person("p1", "P", "demo", reason="theft"), (good, bad)), by="central")
    assert (added.is_stored, added.num_references) == (True, 1)
    assert [(o.source, o.accepted, o.reason) for o in added.outcomes] == [
        ("face.png", True, None),
        ("noise.png", False, "unreadable"),
    ]
    again = await worker.enrol(ListEntry(Person("p1", "P", "demo"), (good,)), by="central", replaces=True)
    assert again.is_stored, "the same picture replaces itself"
    refused = await worker.enrol(ListEntry(Person("p2", "Q", "demo"), (bad,)), by="central")
    assert (refused.is_stored, store.person("p2")) == (False, None)
    version = store.watchlist_version()[0]
    with pytest.raises(PreconditionError):
        await worker.enrol(
            ListEntry(Person("p1", "P", "demo"), (good,)), by="central", replaces=True, if_version=version - 1
        )
    entries = [ListEntry(Person("p3", "R", "demo"), (bad,)), ListEntry(Person("p1", "P2", "demo"))]
    told = await worker.replace_list(entries, by="central", if_version=version)
    assert [one.is_stored for one in told] == [False, True]
    assert [person.name for person in store.people()] == ["P"]
    told = await worker.replace_list([ListEntry(Person("p4", "S", "demo"), (good,))], by="central", if_version=version)
    assert [person.person_id for person in store.people()] == ["p4"]
    assert len(store.references()) == 1
    assert (await worker.forget("p4", by="central")).receipt.references == 1


def test_the_worker_enrols_replaces_and_erases(tmp_path: Path, portrait: Path) -> None:
    with Store.open(tmp_path) as store:
        worker = PeopleWorker(load(), store)
        try:
            asyncio.run(use_the_worker(worker, store, portrait.read_bytes()))
        finally:
            worker.close()


def test_an_expired_person_walks_through_and_no_hit_is_made(
    tmp_path: Path, models: Models, portrait: Path, demo_clip: Path
) -> None:
    person = Person("p1", "P", "demo", EPOCH + dt.timedelta(seconds=7))
    with Store.open(tmp_path) as store:
        People(store, lambda: models).enrol(ListEntry(person, (portrait,)), by=LOCAL, takes_ended=True)
        (result,) = process(Config(), models, load_active_list(store, models), find_clips(demo_clip))
        lasts = [draft.hit.visit.last_at for draft in result.drafts.values()]
        assert lasts, "before its end the entry matches"
        assert max(lasts) < person.expires_at, "and not a frame longer"
        active_list = dataclasses.replace(load_active_list(store, models), good_until=EPOCH)
        (result,) = process(Config(), models, active_list, find_clips(demo_clip))
    assert not result.drafts
    assert Reason.EXPIRED_ENTRY in [end.reason for end in result.ended]
