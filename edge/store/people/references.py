"""Reads the references of a database without opening it as a store, which would bring its schema to this program's."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from edge.records import Reference
from edge.store import migrate
from edge.store.database import connect
from edge.store.people import people


def read_references(data_dir: Path) -> list[Reference]:
    """Every reference, of any schema, by id. Changes nothing: a service of an older release may be at work there."""
    path = data_dir / "edge.db"
    if not path.exists() or path.stat().st_size == 0:
        return []
    query = """SELECT reference_id, person_id, image_sha256, embedding, model_sha256, quality, source
               FROM person_references ORDER BY reference_id"""
    try:
        with contextlib.closing(connect.open_reader(path)) as db:
            return [people.reference(row) for row in db.execute(query)] if migrate.version_of(db) else []
    except sqlite3.Error as error:
        raise connect.explain(error, path) from error


def picture_path(data_dir: Path, one: Reference) -> Path:
    """Where the picture of a reference lies."""
    return data_dir / "blobs" / one.image_sha256[:2] / one.image_sha256
