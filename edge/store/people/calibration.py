"""Measured for this device and list: thresholds, references set aside, new embeddings waiting to be used."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future

import numpy as np

from edge.errors import NotFoundError
from edge.records import Reference
from edge.store.audit import audit
from edge.store.codec import from_line, time_from_text, time_to_text, to_line
from edge.store.core import Core
from edge.store.database import meta
from edge.store.database.jobs import Change
from edge.store.people import people
from edge.thresholds import Thresholds


class CalibrationStore:
    """Part of the store."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def thresholds(self) -> Thresholds | None:
        """What `put_thresholds` kept last."""
        return self._core.read(_thresholds)

    def put_thresholds(self, kept: Thresholds | None, *, by: str = audit.LOCAL) -> Future[None]:
        """Keep thresholds, or with None go back to the configuration's; running pipelines take them over."""

        def apply(change: Change) -> None:
            now = self._core.clock()
            body = None if kept is None else _to_json(kept)
            if body is None:
                meta.take(change.db, meta.Key.THRESHOLDS)
            else:
                meta.put(change.db, meta.Key.THRESHOLDS, to_line(body))
            audit.append(change.db, now, by, "thresholds.put", "thresholds", body or {})
            confirmed = people.changed_at(change.db)
            # Thresholds are not part of the list: its time of change stays.
            people.bump_version(change.db, confirmed or now)

        return self._core.write(apply)

    def set_aside(self, reference_id: str, *, is_aside: bool = True, by: str = audit.LOCAL) -> Future[None]:
        """Leave a reference out of every search, or take it back; NotFoundError for an id there is not."""

        def apply(change: Change) -> None:
            now = self._core.clock()
            query = "SELECT person_id FROM person_references WHERE reference_id = ?"
            row = change.db.execute(query, (reference_id,)).fetchone()
            if row is None:
                raise NotFoundError(f"no reference {reference_id!r}; `edge watchlist list --references` shows the ids")
            value = time_to_text(now) if is_aside else None
            change.db.execute("UPDATE person_references SET aside_at = ? WHERE reference_id = ?", (value, reference_id))
            verb = "reference.set_aside" if is_aside else "reference.restore"
            audit.append(change.db, now, by, verb, f"person {row[0]}", {"reference": reference_id}, person_id=row[0])
            people.bump_version(change.db, now)

        return self._core.write(apply)

    def set_aside_ids(self) -> frozenset[str]:
        """Ids of the references set aside."""
        query = "SELECT reference_id FROM person_references WHERE aside_at IS NOT NULL"
        return self._core.read(lambda db: frozenset(row[0] for row in db.execute(query)))

    def stage_embeddings(self, made: Sequence[Reference]) -> Future[None]:
        """Keep new embeddings beside those in use; nothing is searched differently until `swap_embeddings`."""
        rows = [
            (one.reference_id, one.image_sha256, one.model_sha256, np.ascontiguousarray(one.embedding, "<f4").tobytes())
            for one in made
        ]

        def apply(change: Change) -> None:
            change.db.executemany("INSERT OR REPLACE INTO staged_embeddings VALUES (?, ?, ?, ?)", rows)

        return self._core.write(apply)

    def staged_ids(self, model_sha256: str) -> frozenset[str]:
        """Ids of the references that have a staged embedding of this model."""
        query = """SELECT reference_id FROM staged_embeddings JOIN person_references USING (reference_id, image_sha256)
                   WHERE staged_embeddings.model_sha256 = ?"""
        return self._core.read(lambda db: frozenset(row[0] for row in db.execute(query, (model_sha256,))))

    def swap_embeddings(self, model_sha256: str, *, by: str = audit.LOCAL) -> Future[int]:
        """Put all staged embeddings of a model in use, in one transaction; returns how many."""

        def apply(change: Change) -> int:
            now = self._core.clock()
            done = change.db.execute(
                """UPDATE person_references SET embedding = staged.embedding, model_sha256 = staged.model_sha256
                   FROM staged_embeddings AS staged
                   WHERE staged.reference_id = person_references.reference_id
                     AND staged.image_sha256 = person_references.image_sha256 AND staged.model_sha256 = ?""",
                (model_sha256,),
            ).rowcount
            change.db.execute("DELETE FROM staged_embeddings")
            audit.append(
                change.db, now, by, "watchlist.reembed", "watchlist", {"references": done, "model": model_sha256}
            )
            people.bump_version(change.db, now)
            return done

        return self._core.write(apply)


def _thresholds(db: sqlite3.Connection) -> Thresholds | None:
    kept = meta.get(db, meta.Key.THRESHOLDS)
    if kept is None:
        return None
    body = from_line(kept)
    at: dt.datetime = time_from_text(body["at"])
    return Thresholds(
        body["min_similarity"],
        body["min_margin"],
        body["one_in"],
        body["model_sha256"],
        body["watchlist_digest"],
        at,
    )


def _to_json(kept: Thresholds) -> dict[str, object]:
    return {
        "min_similarity": dict(kept.min_similarity),
        "min_margin": kept.min_margin,
        "one_in": kept.one_in,
        "model_sha256": kept.model_sha256,
        "watchlist_digest": kept.watchlist_digest,
        "at": time_to_text(kept.at),
    }
