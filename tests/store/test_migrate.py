"""Migrations: numbered, recorded, never edited."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from edge.errors import StoreError
from edge.store import Store, migrate

RELEASED = {
    (1, "first"): "56f9db9e1256c6c044fe4fdf5f3da3255b0ba7cdec96e32d0ce1385414b5b290",
    (2, "watchlist_entries"): "a9c47453e5df589656b2a7b0d535c14e609a1355a2991cb657f66b57ab9036d2",
    (3, "page"): "148dba76d6ef9ed4ef63437beb86c45a583c4197b3fa6cf760395a1831603a61",
    (4, "audit"): "5b7805f1ac7614502da23288185fcd8428deb8bae30fff385069bc26e69955f4",
    (5, "coverage"): "64db976bf01993f5ed91a4e5696164e91c112713acb03252278d0c89282dbbfd",
    (6, "tuning"): "923dce100560996b460701e8f145147421d431708f66bff7fabd9aece4f3c6d7",
    (7, "uses"): "9f7ec7f85659807ac464c38005d868b5ed3c8f4f2eab2123e8cd5fa01c4ae810",
    (8, "clock"): "1867feda98169e4c9a5672dcecd7490f5a456c686b2b01da8461c72e56e1f0e9",
    (9, "erasures"): "c0fd99af9cfcd4255bcd2da9080f254cd055c6f8830ebc04e0f785186dab9ceb",
    (10, "span_hours"): "ad903936408b40751f919d0dc36e0c3960e73c61fa77ab76b197325d9b7247f5",
    (11, "item_images"): "625595f6b74e2fa4000b27525b44ee5e069e7cdc2a2975a43ac5264cba0c51f7",
    (12, "hits_by_state"): "bbbaa662b38c2ed4fdf572833a41bb899e00be3d7115d01b8ddd885df46c1873",
    (13, "list_twice"): "d6c6023df44fdd9880d7a8bcf298911b7f090c28e315c811db54182a973f6f3f",
}
"""Migrations are never edited once released: a changed hash here is a mistake, a new line is a new migration."""


def test_migrations_are_numbered_recorded_and_never_edited(tmp_path: Path) -> None:
    found = {(migration.number, migration.name): migration.sha256 for migration in migrate.migrations()}
    assert found == RELEASED
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    for _ in range(2):
        Store.open(tmp_path).close()
        with contextlib.closing(sqlite3.connect(tmp_path / "edge.db")) as db:
            assert {(row[0], row[1]): row[2] for row in db.execute("SELECT * FROM migrations")} == RELEASED


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(tmp_path) as store:
        epoch = store.epoch
    released = migrate.migrations()
    number = released[-1].number + 1
    broken = migrate.Migration(
        number, "broken", "CREATE TABLE extra (a TEXT) STRICT;\nINSERT INTO no_such_table VALUES (1);"
    )
    monkeypatch.setattr(migrate, "migrations", lambda: (*released, broken))
    with pytest.raises(StoreError):
        Store.open(tmp_path)
    good = migrate.Migration(number, "good", "CREATE TABLE extra (\n  a TEXT -- a; b\n) STRICT;\n")
    monkeypatch.setattr(migrate, "migrations", lambda: (*released, good))
    with Store.open(tmp_path) as store:
        assert store.epoch == epoch
    monkeypatch.setattr(migrate, "migrations", lambda: released)
    before = (tmp_path / "edge.db").read_bytes()
    with pytest.raises(StoreError, match=rf"newer version \(schema {number}, this one knows {number - 1}\)"):
        Store.open(tmp_path)
    assert (tmp_path / "edge.db").read_bytes() == before
