"""Table `meta` has one door."""

from __future__ import annotations

import ast
import re
import sqlite3
from pathlib import Path

import edge.store
from edge.store import Store
from edge.store.database.meta import Key, get, put, take

SQL_ON_META = re.compile(r"\b(?:from|into|update|join|table)\s+meta\b", re.IGNORECASE)


def _modules_that_name_the_table(folder: Path) -> list[str]:
    found = []
    for file in sorted(folder.rglob("*.py")):
        texts = (node.value for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Constant))
        if any(isinstance(text, str) and SQL_ON_META.search(text) for text in texts):
            found.append(file.relative_to(folder).as_posix())
    return found


def test_no_other_module_names_the_table() -> None:
    assert _modules_that_name_the_table(Path(edge.store.__file__).parent) == ["database/meta.py"]


def test_a_value_is_put_replaced_and_taken_once(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    with sqlite3.connect(tmp_path / "edge.db") as db:
        assert get(db, Key.CLAIM) is None
        put(db, Key.CLAIM, "one")
        put(db, Key.CLAIM, "two")
        assert get(db, Key.CLAIM) == "two"
        assert (take(db, Key.CLAIM), take(db, Key.CLAIM)) == ("two", None)
        stored = {row[0] for row in db.execute("SELECT key FROM meta")}
    assert {"box_id", "epoch", "last_sweep_at"} <= stored <= {key.value for key in Key}
