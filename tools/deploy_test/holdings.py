"""What a box holds, read from its database as it lies there: an update and a rollback may take nothing of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from tools.deploy_test.report import require

_LOOK = """
import json, sqlite3
db = sqlite3.connect("file:/var/lib/edge/edge.db?mode=ro", uri=True, timeout=30)
def rows(query):
    return sorted(map(list, db.execute(query)))
print(json.dumps({
    "schema": db.execute("SELECT max(number) FROM migrations").fetchone()[0],
    "embedders": rows("SELECT DISTINCT model_sha256 FROM person_references"),
    "people": rows("SELECT person_id, name, status FROM people"),
    "pictures": rows("SELECT reference_id, person_id, image_sha256 FROM person_references"),
    "users": rows("SELECT name, role, password_hash FROM users"),
    "tokens": rows("SELECT name, token_sha256, scopes FROM tokens"),
    "hits": rows("SELECT hit_id, person_id FROM hits"),
    "seen_at": db.execute("SELECT max(last_at) FROM hits").fetchone()[0] or "",
    "warning": rows("SELECT value FROM meta WHERE key = 'damage'"),
}))
"""
LASTING = ("people", "pictures", "users", "tokens")


@dataclass(frozen=True, slots=True)
class Holdings:
    """Rows of one box; `embedders` are the hashes its references were embedded with."""

    schema: int
    embedders: list[list[str]]
    people: list[list[str]]
    pictures: list[list[str]]
    users: list[list[str]]
    tokens: list[list[str]]
    hits: list[list[str]]
    seen_at: str
    """When the newest hit was brought up to date."""
    warning: list[list[str]]

    def require_kept(self, after: Holdings) -> None:
        """StepError where `after` lacks something of this, or warns of a loss."""
        for name in LASTING:
            before, now = getattr(self, name), getattr(after, name)
            require(bool(before), f"no {name} before")
            require(before == now, f"{name} were {before}, are {now}")
        require(bool(self.hits), "no hits before")
        gone = [hit for hit in self.hits if hit not in after.hits]
        require(not gone, f"hits are gone: {gone}")
        require(not after.warning, f"the page warns: {after.warning}")


def look(ssh: Callable[[str], str]) -> Holdings:
    """Read the database of a box, as the service's user: nothing of root's may be left beside it."""
    return Holdings(**json.loads(ssh(f"runuser -u edge -- python3 - <<'END'\n{_LOOK}\nEND")))
