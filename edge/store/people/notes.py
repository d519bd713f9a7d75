"""Reasons and notes that guards wrote on hits of others, and that name somebody who is erased: they are blanked."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from typing import Any

from edge.store.audit.spellings import mentions
from edge.store.codec import from_line, to_line

BLANKED = "[erased]"
"""Takes a note's place: that there was one is part of the review."""
_WRITTEN = ("reason", "note")


def blank_in_bodies(
    db: sqlite3.Connection, table: str, column: str, between: tuple[int, int], words: Sequence[str]
) -> int:
    """Blank notes in the bodies of `feed` or `hits`; returns in how many rows."""
    query = f"""SELECT {column}, body FROM {table} WHERE {column} BETWEEN ? AND ?
        AND CASE WHEN json_valid(body) THEN
            coalesce(json_extract(body, '$.review.note'), json_extract(body, '$.review.reason')) IS NOT NULL
            OR json_extract(body, '$.review.verdicts') IS NOT NULL END"""
    changed = 0
    for number, text in db.execute(query, between).fetchall():
        body = from_line(text)
        if _blank(body.get("review"), words):
            db.execute(f"UPDATE {table} SET body = ? WHERE {column} = ?", (to_line(body), number))
            changed += 1
    return changed


def blank_in_verdicts(db: sqlite3.Connection, between: tuple[int, int], words: Sequence[str]) -> int:
    """Blank notes of verdicts; returns how many."""
    changed = 0
    for written in _WRITTEN:
        query = f"SELECT verdict_id, {written} FROM verdicts WHERE verdict_id BETWEEN ? AND ? AND {written} IS NOT NULL"
        named = [number for number, text in db.execute(query, between).fetchall() if _names(text, words)]
        blank = f"UPDATE verdicts SET {written} = ? WHERE verdict_id = ?"
        db.executemany(blank, [(BLANKED, number) for number in named])
        changed += len(named)
    return changed


def _blank(review: Any, words: Sequence[str]) -> bool:
    if not isinstance(review, dict):
        return False
    parts = [review, *(one for one in review.get("verdicts") or () if isinstance(one, dict))]
    named = [
        (part, written)
        for part in parts
        for written in _WRITTEN
        if isinstance(part.get(written), str) and _names(part[written], words)
    ]
    for part, written in named:
        part[written] = BLANKED
    return bool(named)


def _names(text: str, words: Sequence[str]) -> bool:
    """Whether a text names one of them, a short name as a word of its own; people write as they like."""
    short = [word for word in words if word and word.casefold() in text.casefold()]
    whole = (re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) for word in short)
    return mentions(text, words) or any(whole)
