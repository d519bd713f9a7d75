"""SQLite in one data directory: hits, their feed, pictures, people, accounts. No model and no socket is opened here.

store                     the public verbs; everything else works for it
hits, feed, coverage      what was seen: hits and reviews; the feed; time watched and blind
people, accounts, audit   the watchlist; users and tokens; who did what
images, blobs             rows and files of pictures
core, start, database     the open folder; steps of opening it; the database file and its writing thread
migrate, update, repair   new versions of the database; damaged pages
heads                     ends of feed and audit after a rollback
backup                    the whole directory as one file, and back
retention, rounds          old data is deleted, in rounds
reserve, stats            space for that; counts
rows, codec               records; JSON
clocks, drill             ages by the boots' own clocks; hits to practise with
losses                    what damage has taken for good
identity                  who the device is, and on which machine it was made
"""

from edge.store.codec import hit_from_json, hit_to_json, item_to_json, time_from_text, time_to_text, to_line
from edge.store.coverage.coverage import Watching
from edge.store.coverage.timeline import Span
from edge.store.losses import Losses
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
    Role,
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
    "Losses",
    "Receipt",
    "RetentionReport",
    "Role",
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
