"""SQLite in one data directory: hits, their feed, pictures, people, accounts. No model and no socket is opened here."""

from edge.store.codec import hit_from_json, hit_to_json, item_to_json, time_from_text, time_to_text, to_line
from edge.store.coverage.coverage import Watching
from edge.store.coverage.timeline import Span
from edge.store.people.changes import Listing
from edge.store.repair.damage import Damage
from edge.store.rows import (
    ROLES,
    SCOPES,
    AuditEntry,
    AuditHead,
    AuditReport,
    Consumer,
    Erasure,
    Login,
    Receipt,
    RetentionReport,
    Session,
    Token,
    User,
)
from edge.store.store import Store

__all__ = [
    "ROLES",
    "SCOPES",
    "AuditEntry",
    "AuditHead",
    "AuditReport",
    "Consumer",
    "Damage",
    "Erasure",
    "Listing",
    "Login",
    "Receipt",
    "RetentionReport",
    "Session",
    "Span",
    "Store",
    "Token",
    "User",
    "Watching",
    "hit_from_json",
    "hit_to_json",
    "item_to_json",
    "time_from_text",
    "time_to_text",
    "to_line",
]
