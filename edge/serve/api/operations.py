"""What `openapi.json` says about each data route; method, path and access are in `edge.serve.routes`."""

from __future__ import annotations

from typing import Any

from edge.serve.api import schema, watchlist_schema
from edge.serve.http.route import Operation

JSON = "application/json"


def _query(name: str, description: str, **kind: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": kind}


def _path(name: str, **kind: Any) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": kind}


IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "the list's ETag, or * for whatever the list is now",
    "schema": {"type": "string", "pattern": r'^(\*|"[0-9]{1,18}-[0-9a-f]{16}")$'},
}
IF_NONE_MATCH = {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}
PERSON_ID = _path("person_id", type="string", minLength=1, maxLength=100, pattern=r"^[^\x00-\x1f\x7f/]+$")
CHANGE_ERRORS = (400, 408, 412, 413, 415, 422, 428)

ALERTS = Operation(
    "Feed items after a cursor, oldest first",
    {JSON: schema.AlertsPage},
    (304, 400, 410, 429),
    (
        _query("after", "`next` of an earlier answer; absent: from the oldest kept", type="string"),
        _query("limit", "most items of one answer", type="integer", minimum=1, maximum=500, default=100),
        _query("wait", "seconds to wait for news", type="integer", minimum=0, maximum=60, default=0),
        _query("fields", "comma list of the items' top-level fields to send; seq, at, type always come", type="string"),
        IF_NONE_MATCH,
    ),
)
ALERT = Operation("One hit", {JSON: schema.HitJson}, (400, 404), (_path("hit_id", type="string"),))
IMAGE = Operation(
    "One kept picture; immutable, ranges are answered",
    {"image/png": None, "image/jpeg": None},
    (400, 404, 416),
    (_path("sha256", type="string", pattern="^[0-9a-f]{64}$"),),
)
HEALTH = Operation("State of the box and its cameras", {JSON: schema.HealthJson}, (400,))
CONSUMERS = Operation("Who pulls the feed, and how far they are", {JSON: schema.ConsumersJson}, (400,))
COVERAGE = Operation(
    "What each camera watched and what it did not, and why",
    {JSON: schema.CoverageJson},
    (400,),
    (
        _query("from", "start, RFC 3339; absent: a day before the end", type="string", format="date-time"),
        _query("to", "end, RFC 3339; absent: now", type="string", format="date-time"),
    ),
)
WATCHLIST = Operation(
    "The people looked for, and the list's version",
    {JSON: watchlist_schema.WatchlistJson},
    (304, 400),
    (IF_NONE_MATCH,),
)
WATCHLIST_REPLACE = Operation(
    "Make this the whole list, all or nothing; whoever is not on it is erased",
    {JSON: watchlist_schema.ChangedJson},
    CHANGE_ERRORS,
    (IF_MATCH,),
    body=watchlist_schema.WatchlistPut,
)
PERSON_PUT = Operation(
    "Add or change one person; pictures given replace those there were",
    {JSON: watchlist_schema.ChangedJson},
    CHANGE_ERRORS,
    (
        PERSON_ID,
        _query(
            "allow_alike",
            "true: pictures pass that look like somebody else's on the list, as of twins; audited",
            type="boolean",
            default=False,
        ),
        IF_MATCH,
    ),
    body=watchlist_schema.PersonPut,
    form=watchlist_schema.PersonForm,
    creates=True,
)
PERSON_ERASE = Operation(
    "Erase one person with references, hits and pictures",
    {JSON: watchlist_schema.ErasedJson},
    (400, 404, 412, 422, 428),
    (PERSON_ID, IF_MATCH),
)
OPENAPI = Operation("This document", {JSON: None}, (400,))
METRICS = Operation("Counters and gauges in Prometheus' text format", {"text/plain": None})
LIVEZ = Operation("Open to all: is the service there", {"text/plain": None})
