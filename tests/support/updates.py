"""An appliance before an update to another schema and another embedder."""

from __future__ import annotations

import datetime as dt
import hashlib

from edge.app.build import load_models
from edge.app.people.people import enrol
from edge.app.selfcheck import demo_clip
from edge.config import Config
from edge.pixels.encode import to_png
from edge.records import Person
from edge.store import Store, migrate

NOW = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
OTHER = hashlib.sha256(b"another embedder").hexdigest()


def make_box(config: Config) -> tuple[migrate.Migration, ...]:
    """An appliance with one person, whose picture another embedder embedded; the migrations of the next program."""
    picture = config.data_dir.with_suffix(".png")
    picture.write_bytes(to_png(demo_clip.portrait()))
    with Store.open(config.data_dir) as store:
        enrol(store, load_models(config), Person("p1", "Ann", "missing"), [picture])
        store._core.writer.submit(
            lambda change: change.db.execute("UPDATE person_references SET model_sha256 = ?", (OTHER,))
        ).result()
    later = migrate.Migration(migrate.migrations()[-1].number + 1, "later", "CREATE TABLE later (n INTEGER) STRICT;")
    return (*migrate.migrations(), later)
