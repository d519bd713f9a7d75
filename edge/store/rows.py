"""What the store hands out beside the records of the pipeline: accounts, consumers, receipts. No behaviour, no SQL."""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Role(enum.StrEnum):
    """The roles of the page's users; each user has one."""

    GUARD = "guard"
    SUPERVISOR = "supervisor"
    INSTALLER = "installer"
    AUDITOR = "auditor"


ROLES = tuple(role.value for role in Role)
SCOPES = ("alerts:read", "watchlist:read", "watchlist:write", "health:read", "metrics:read")


@dataclass(frozen=True, slots=True)
class User:
    """A person who may log in."""

    name: str
    role: str
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A login that is still valid."""

    user: str
    role: str
    expires_at: dt.datetime
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """A login as shown to those who may end it; `login_id` does not reveal the secret."""

    login_id: str
    user: str
    role: str
    created_at: dt.datetime
    expires_at: dt.datetime
    last_used_at: dt.datetime | None
    address: str | None


@dataclass(frozen=True, slots=True)
class Token:
    """A machine's access; the secret itself is not kept."""

    name: str
    scopes: tuple[str, ...]
    created_at: dt.datetime
    expires_at: dt.datetime | None
    last_used_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Consumer:
    """How far a token's holder has come in the feed: `seq` is the last item it is known to have."""

    name: str
    seq: int
    lag: int
    last_pull_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What erasing a person removed.

    `is_scrubbed`: the unused bytes of the database were zeroed and its log emptied, so that no page holds anything of
    them. False only where a reader held the log open for long; then the next erasure or start does it.
    """

    person_id: str
    erased_at: dt.datetime
    hits: int
    references: int
    images: int
    images_shared: int
    feed_items: int
    is_scrubbed: bool


@dataclass(frozen=True, slots=True)
class Erasure:
    """What erasing a person removed in the store (`receipt`) and beside it."""

    receipt: Receipt
    examinations: int
    """Examined files whose results named the person, or were not finished."""
    sheets: int = 0
    """Commissioning sheets that named the person as the walker."""
    looked_through: tuple[str, ...] = ()
    """Where the id and the name were looked for afterwards, in every spelling."""
    remains: Mapping[str, int] = field(default_factory=dict)
    """Where they were found all the same, and how often; empty where nothing names the person any more."""


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """What one retention run removed, and what is left."""

    images_removed: int = 0
    image_bytes_removed: int = 0
    hits_removed: int = 0
    feed_items_removed: int = 0
    unpulled_alerts_removed: int = 0
    image_bytes_left: int = 0
    free_bytes: int = 0
    is_complete: bool = True
    """False between two rounds of a long run."""


@dataclass(frozen=True, slots=True)
class AuditHead:
    """Number and hash of the newest audit row."""

    seq: int
    sha256: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One audit row. `object`, `detail` (JSON text) and `salt` are None where an erasure blanked them."""

    seq: int
    at: dt.datetime
    actor: str
    action: str
    object: str | None
    detail: str | None
    salt: str | None
    told_sha256: str
    sha256: str

    @property
    def detail_json(self) -> dict[str, Any] | None:
        """The detail, parsed; None where it was blanked, empty where it is no JSON object."""
        if self.detail is None:
            return None
        try:
            value = json.loads(self.detail)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What checking the chain found; no problems: no row was altered, taken out or cut off."""

    entries: int
    head: AuditHead | None
    blanked: int
    problems: tuple[str, ...]
    trimmed: int = 0
    """The last entry that was trimmed to keep the audit within its bytes; a signed entry stands for those up to it."""
