"""Drills: a hit of kind `drill` that nobody caused, so that people can practise what they do about a real one.

It shows the person's enrolled picture in the place of every picture, and says in each part that nobody was seen.
"""

from __future__ import annotations

import datetime as dt
from concurrent.futures import Future

from edge.errors import NotFoundError
from edge.hit_ids import draw_hit_id
from edge.records import Hit, HitImages, Person, Reference, Visit
from edge.store.audit import audit
from edge.store.audit.audit import LOCAL
from edge.store.core import Core
from edge.store.database.jobs import Change
from edge.store.hits import hits
from edge.store.people import people

KIND = "drill"
NOBODY = "a drill: nobody was seen"


class Drills:
    """Part of the store."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def make(self, camera: str, box_id: str, person_id: str | None = None, *, by: str = LOCAL) -> Future[str]:
        """Store a drill of a person, the first on the list where none is named; resolves to the hit's id.

        NotFoundError where nobody with a picture is on the list under that id.
        """

        def apply(change: Change) -> str:
            person, reference = _choose(change, person_id)
            now, db = self._core.clock(), change.db
            watchlist = {"version": people.version(db), "digest": people.digest(db)}
            hit = _hit(person, reference, camera, box_id, watchlist, now)
            hits.add(change, self._core.blobs, hit, {}, now)
            audit.append(db, now, by, "drill.make", f"hit {hit.hit_id}", person_id=person.person_id)
            return hit.hit_id

        return self._core.write(apply)


def _choose(change: Change, person_id: str | None) -> tuple[Person, Reference]:
    for reference in people.references(change.db, None, person_id):
        person = people.get(change.db, reference.person_id)
        if person is not None:
            return person, reference
    who = "nobody" if person_id is None else f"nobody with the id {person_id!r}"
    raise NotFoundError(f"a drill needs somebody with a picture, and {who} on the list has one: enrol somebody first")


def _hit(
    person: Person, reference: Reference, camera: str, box_id: str, watchlist: dict[str, object], now: dt.datetime
) -> Hit:
    picture = reference.image_sha256
    return Hit(
        hit_id=draw_hit_id(now),
        kind=KIND,
        person=person,
        camera=camera,
        visit=Visit(now, now, now, 1),
        similarity=1.0,
        margin=0.0,
        runner_up_id=None,
        similarity_original=1.0,
        similarity_enhanced=None,
        expected_false_alerts=NOBODY,
        quality={},
        recipe={"steps": [], "skipped": []},
        images=HitImages(picture, picture, None, picture),
        box=(0.0, 0.0, 0.0, 0.0),
        frame_id=0,
        watchlist=watchlist,
        models={"embed": reference.model_sha256},
        box_id=box_id,
        clock={"synced": None},
        review={"state": "new", "by": None, "at": None},
    )
