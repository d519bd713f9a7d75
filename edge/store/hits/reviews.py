"""Verdicts on a hit: who said what, what follows from it, and how it is taken back within seconds.

One person's verdict is enough unless the hit asks for two: then the first stays hidden until a second person has given
theirs, and where the two differ, a third decides. `outcome` is that rule, pure; the rest reads and writes rows.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from edge.errors import ConflictError
from edge.records import FeedItem
from edge.store.audit import audit
from edge.store.codec import time_from_text, time_to_text, to_line
from edge.store.core import Core
from edge.store.database.jobs import Change
from edge.store.feed import feed
from edge.store.hits.hits import require_body

DECISIONS = frozenset({"confirmed", "rejected"})
STATES = ("new", "acknowledged", "second_needed", "disputed", "confirmed", "rejected")
NEW: dict[str, Any] = {"state": "new", "by": None, "at": None}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one person said of a hit."""

    by: str
    at: dt.datetime
    state: str
    reason: str | None = None
    note: str | None = None
    needs_second: bool = False


class Reviews:
    """Part of the store."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def give_verdict(
        self, hit_id: str, by: str, state: str, *, reason: str | None, note: str | None, needs_second: bool
    ) -> Future[FeedItem]:
        """Record what somebody says of a hit."""
        verdict = Verdict(by, self._core.clock(), state, reason, note, needs_second)
        return self._core.write(lambda change: give(change, hit_id, verdict))

    def undo_verdict(self, hit_id: str, by: str, within_s: float) -> Future[FeedItem]:
        """Take back one's own last verdict; ConflictError where it is too old or somebody else's."""
        within = dt.timedelta(seconds=within_s)
        return self._core.write(lambda change: undo(change, hit_id, by, self._core.clock(), within))

    def verdicts(self, hit_id: str) -> list[Verdict]:
        """All verdicts on a hit, oldest first."""
        return self._core.read(lambda db: verdicts_of(db, hit_id))


def outcome(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The hit's `review` that follows from all verdicts on it, oldest first."""
    decisions = [verdict for verdict in verdicts if verdict.state in DECISIONS]
    if not decisions:
        return _verdict_json(verdicts[-1]) if verdicts else dict(NEW)
    if not any(verdict.needs_second for verdict in decisions):
        return _verdict_json(decisions[-1])
    latest = {verdict.by: verdict for verdict in decisions}
    if len(latest) == 1:
        # Neither the page nor the feed may tell the second person what the first one said.
        first = decisions[-1]
        return {"state": "second_needed", "by": first.by, "at": time_to_text(first.at)}
    confirmed = sum(verdict.state == "confirmed" for verdict in latest.values())
    against = len(latest) - confirmed
    state = "disputed" if confirmed == against else "confirmed" if confirmed > against else "rejected"
    # By whom, when and why belong to the outcome: not to one who was outvoted afterwards.
    agreeing = [verdict for verdict in decisions if verdict.state == state and verdict is latest[verdict.by]]
    return _verdict_json((agreeing or decisions)[-1]) | {
        "state": state,
        "verdicts": [_verdict_json(verdict) for verdict in latest.values()],
    }


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "state": verdict.state,
        "by": verdict.by,
        "at": time_to_text(verdict.at),
        "reason": verdict.reason,
        "note": verdict.note,
    }


def require_move(verdicts: Sequence[Verdict], verdict: Verdict) -> None:
    """ConflictError for a verdict that can't follow the ones there are, oldest first.

    A hit is acknowledged once, before anybody has decided; nobody gives the decision again that they gave last.
    """
    decisions = [one for one in verdicts if one.state in DECISIONS]
    if verdict.state not in DECISIONS:
        if decisions:
            raise ConflictError("somebody has decided on this hit already: it can't be acknowledged any more")
        if verdicts:
            raise ConflictError("this hit has been acknowledged already: confirm or reject it")
        return
    told = (verdict.by, verdict.state, verdict.reason, verdict.note)
    if decisions and told == (decisions[-1].by, decisions[-1].state, decisions[-1].reason, decisions[-1].note):
        raise ConflictError("this verdict of yours is stored already: take it back, or give another one")


def give(change: Change, hit_id: str, verdict: Verdict) -> FeedItem:
    """Record a verdict and what follows from it, `alert.reviewed`; ConflictError for one that can't follow."""
    body = require_body(change, hit_id)
    require_move(verdicts_of(change.db, hit_id), verdict)
    change.db.execute(
        "INSERT INTO verdicts (hit_id, by, at, state, reason, note, needs_second) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            hit_id,
            verdict.by,
            time_to_text(verdict.at),
            verdict.state,
            verdict.reason,
            verdict.note,
            int(verdict.needs_second),
        ),
    )
    audit.append(change.db, verdict.at, verdict.by, "verdict.give", f"hit {hit_id}", {"state": verdict.state})
    return _put(change, hit_id, body, verdict.at)


def undo(change: Change, hit_id: str, by: str, now: dt.datetime, within: dt.timedelta) -> FeedItem:
    """Take back the last verdict on a hit; ConflictError unless it is one's own and young."""
    body = require_body(change, hit_id)
    row = change.db.execute(
        "SELECT verdict_id, by, at FROM verdicts WHERE hit_id = ? ORDER BY verdict_id DESC LIMIT 1", (hit_id,)
    ).fetchone()
    if row is None or row[1] != by:
        raise ConflictError(
            "there is no verdict of yours to take back: you gave none, or somebody else has given one since"
        )
    if abs(now - time_from_text(row[2])) > within:  # a clock set back must not lengthen the time
        raise ConflictError(
            f"the time to take it back is over ({within.total_seconds():.0f} s): give a new verdict instead"
        )
    change.db.execute("DELETE FROM verdicts WHERE verdict_id = ?", (row[0],))
    audit.append(change.db, now, by, "verdict.undo", f"hit {hit_id}")
    return _put(change, hit_id, body, now)


def verdicts_of(db: sqlite3.Connection, hit_id: str) -> list[Verdict]:
    """All verdicts on a hit, oldest first."""
    rows = db.execute(
        "SELECT by, at, state, reason, note, needs_second FROM verdicts WHERE hit_id = ? ORDER BY verdict_id", (hit_id,)
    )
    return [Verdict(row[0], time_from_text(row[1]), row[2], row[3], row[4], bool(row[5])) for row in rows]


def _put(change: Change, hit_id: str, body: dict[str, Any], now: dt.datetime) -> FeedItem:
    body |= {"review": outcome(verdicts_of(change.db, hit_id))}
    item = feed.append(change, now, "alert.reviewed", body, hit_id)
    change.db.execute(
        "UPDATE hits SET review_state = ?, latest_seq = ?, body = ? WHERE hit_id = ?",
        (body["review"]["state"], item.seq, to_line(body), hit_id),
    )
    return item
