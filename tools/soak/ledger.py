"""What was delivered in all rounds, and what the data directory holds of it afterwards."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.records import FeedItem
from edge.store import Store, item_to_json, to_line

Delivered = dict[tuple[str, int], tuple[str, str, str]]
"""(epoch, seq) -> type, hit and hash of the body."""


def line_of(epoch: str, item: FeedItem) -> str:
    """An item as a line of JSON, such as `ledger.take` reads."""
    return line_of_json(epoch, json.loads(to_line(item_to_json(item))))


def line_of_json(epoch: str, item: Mapping[str, Any]) -> str:
    """The same for an item as the feed delivers it."""
    hashed = hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()
    return json.dumps([epoch, item["seq"], item["type"], str(item.get("hit_id") or ""), hashed])


@dataclass(slots=True)
class Ledger:
    """Counts every breach once."""

    delivered: Delivered = field(default_factory=dict)
    lost: set[tuple[str, int]] = field(default_factory=set)
    told: set[tuple[str, int]] = field(default_factory=set)
    """Delivered, gone, and said to be so by a `gap` that covers it: of retention, or after damage."""
    pulled: set[tuple[str, int]] = field(default_factory=set)
    """Delivered over HTTP, asked for what follows it, and removed by retention since: no gap is due."""
    pulled_to: int = 0
    """Whoever pulls has everything up to this number."""
    gaps_to: int = 0
    """Gaps of retention tell of everything up to this number."""
    changed: set[tuple[str, int]] = field(default_factory=set)
    given_twice: int = 0
    without_picture: int = 0
    orphans_left: int = 0
    swept: int = 0
    damaged_tables: set[str] = field(default_factory=set)
    """Tables of which a `gap` has said that rows were lost with a damaged page."""
    problems: list[str] = field(default_factory=list)

    def take(self, lines: Iterable[str]) -> int:
        """Note what was delivered; returns how much. A line that the kill cut short was not."""
        taken = 0
        for line in lines:
            try:
                epoch, seq, kind, hit_id, hashed = json.loads(line)
            except ValueError:
                continue
            known = self.delivered.get((epoch, seq))
            if known is not None and known != (kind, hit_id, hashed):
                self.given_twice += 1
            self.delivered[epoch, seq] = (kind, hit_id, hashed)
            taken += 1
        return taken

    def check(self, store: Store, what: str, *, is_damaged: bool = False) -> None:
        """Compare what is delivered with what the opened store has; look for rows without their picture."""
        items: dict[int, FeedItem] = {}
        cursor: str | None = None
        while True:
            page = store.feed(cursor, 500)
            items |= {item.seq: item for item in page.items}
            cursor = page.next
            if not page.more:
                break
        first = min(items, default=store.head_seq() + 1)
        hits = {hit.hit_id for hit in store.hits(limit=1_000_000)}
        gaps = [item for item in items.values() if item.type == "gap"]
        self.gaps_to = max([self.gaps_to, *(int(gap.body.get("last_seq") or 0) for gap in gaps)])
        is_told = is_damaged and any(gap.body["cause"] == "database damaged" for gap in gaps)
        self.damaged_tables |= {str(table) for gap in gaps for table in gap.body.get("tables") or ()}
        known = self.told | self.lost | self.pulled
        for (epoch, seq), (_, hit_id, hashed) in self.delivered.items():
            if (epoch, seq) in known:
                continue
            if epoch != store.epoch:
                # Another life of the database: its numbers mean nothing, but its hits must be there.
                if hit_id and hit_id not in hits:
                    self._is_gone((epoch, seq), what, is_told=is_told, is_trimmed=True)
            elif seq not in items:
                self._is_gone((epoch, seq), what, is_told=is_told, is_trimmed=seq < first)
            elif json.loads(line_of(epoch, items[seq]))[4] != hashed:
                self.changed.add((epoch, seq))
                self.problems.append(f"{what}: item {seq} has changed")
        self._look_for_pictures(store, what)

    def _is_gone(self, key: tuple[str, int], what: str, *, is_told: bool, is_trimmed: bool) -> None:
        if is_told or (is_trimmed and key[1] <= self.gaps_to):
            self.told.add(key)
        elif is_trimmed and key[1] <= self.pulled_to:
            self.pulled.add(key)
        else:
            self.lost.add(key)
            self.problems.append(f"{what}: item {key[1]} of epoch {key[0]} is gone, and nothing says so")

    def _look_for_pictures(self, store: Store, what: str) -> None:
        for sha256, num_bytes in store._core.read(_picture_rows):
            path = store._core.blobs.path(sha256)
            if not path.is_file() or path.stat().st_size != num_bytes:
                self.without_picture += 1
                self.problems.append(f"{what}: picture {sha256[:12]} is named by a row and not there")

    def finish(self, data_dir: Path) -> None:
        """An erasure sweeps what kills have left; then no file may be there that no row names."""
        with Store.open(data_dir) as store:
            named = {row[0] for row in store._core.read(_picture_rows)}
            there = {path.name for path in (data_dir / "blobs").glob("*/*")}
            self.swept = len(there - named)
            for person in store.people()[:1]:
                store.forget_person(person.person_id).result(120)
            named = {row[0] for row in store._core.read(_picture_rows)}
            self.orphans_left = sum(path.name not in named for path in (data_dir / "blobs").glob("*/*"))
            # Entries that a damaged page held are gone; the gap has told so, and the audit has to say it, too.
            problems = store.audit_log.verify().problems
            if not self.damaged_tables & {"audit", "the whole database"}:
                self.problems += [f"audit: {problem}" for problem in problems]


def _picture_rows(db: sqlite3.Connection) -> list[Any]:
    return db.execute("SELECT sha256, num_bytes FROM images").fetchall()


def summary(rounds: Counter[str], ledger: Ledger, skipped: Iterable[str], strangers: str) -> str:
    """The table, in Markdown."""
    counted = [
        ("delivered items", len(ledger.delivered)),
        ("delivered items lost", len(ledger.lost)),
        ("delivered items changed", len(ledger.changed) + ledger.given_twice),
        ("gone and told by a `gap` (retention on a full disk, damage)", len(ledger.told)),
        ("pulled, then removed by retention", len(ledger.pulled)),
        ("rows without picture", ledger.without_picture),
        (f"orphan files (left by kills and swept: {ledger.swept})", ledger.orphans_left),
        ("stranger embeddings on disk", strangers),
    ]
    kinds = [f"| rounds: {name} | {count} |" for name, count in sorted(rounds.items())]
    lines = ["| what | count |", "|---|---|", f"| rounds | {sum(rounds.values())} |", *kinds]
    lines += [f"| {name} | {value} |" for name, value in counted]
    lines += [f"| skipped: {name} | |" for name in skipped]
    return "\n".join(lines + [f"- {problem}" for problem in ledger.problems[:20]])
