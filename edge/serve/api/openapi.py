"""Writes `openapi.json` from the routes that have a description, and the models in `schema`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from edge.serve.api import schema, watchlist_schema

JSON = "application/json"
FORM = "multipart/form-data"
PROBLEM = "application/problem+json"

WHY: Mapping[int, str] = {
    304: "no news since If-None-Match",
    400: "a parameter or cursor is wrong",
    401: "no valid token or session",
    403: "the token or role does not reach this address",
    404: "there is no such thing",
    408: "the body did not arrive in time",
    410: "the cursor is too old, or from before a restore",
    412: "the list has changed since it was read; read it again",
    413: "the body is too large",
    415: "the body is not of a kind that is read here",
    416: "the range is outside the picture",
    422: "a field of the body is wrong, or no picture can be used; nothing was changed",
    428: "the header If-Match is missing",
    429: "too many connections, long polls or costly questions; see Retry-After",
    503: "the data directory can't be read",
}


PROBLEMS: Mapping[int, type[BaseModel]] = {410: schema.CursorProblem, 422: watchlist_schema.RefusedProblem}
"""Problems with more fields than `schema.Problem`."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API."""

    summary: str
    answers: Mapping[str, type[BaseModel] | None]
    """Content type of the 200 answer and its model, where it has one."""
    errors: tuple[int, ...] = ()
    parameters: tuple[dict[str, Any], ...] = field(default=())
    method: str = "get"
    body: type[BaseModel] | None = None
    form: type[BaseModel] | None = None
    """The body as multipart/form-data, where that is taken besides JSON."""
    creates: bool = False
    """Whether it may answer 201, with the same body as 200."""


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
PERSON_ID = _path("person_id", type="string", minLength=1, maxLength=100, pattern=r"^[^\x00-\x1f\x7f/]+$")
CHANGE_ERRORS = (400, 408, 412, 413, 415, 422, 428)

OPERATIONS: tuple[tuple[str, Operation], ...] = (
    (
        "/api/v1/alerts",
        Operation(
            "Feed items after a cursor, oldest first",
            {JSON: schema.AlertsPage},
            (304, 400, 410, 429),
            (
                _query("after", "`next` of an earlier answer; absent: from the oldest kept", type="string"),
                _query("limit", "most items of one answer", type="integer", minimum=1, maximum=500, default=100),
                _query("wait", "seconds to wait for news", type="integer", minimum=0, maximum=60, default=0),
                _query(
                    "fields",
                    "comma list of the items' top-level fields to send; seq, at, type always come",
                    type="string",
                ),
                {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}},
            ),
        ),
    ),
    (
        "/api/v1/alerts/{hit_id}",
        Operation("One hit", {JSON: schema.HitJson}, (400, 404), (_path("hit_id", type="string"),)),
    ),
    (
        "/api/v1/images/{sha256}",
        Operation(
            "One kept picture; immutable, ranges are answered",
            {"image/png": None, "image/jpeg": None},
            (400, 404, 416),
            (_path("sha256", type="string", pattern="^[0-9a-f]{64}$"),),
        ),
    ),
    ("/api/v1/health", Operation("State of the box and its cameras", {JSON: schema.HealthJson}, (400,))),
    ("/api/v1/consumers", Operation("Who pulls the feed, and how far they are", {JSON: schema.ConsumersJson}, (400,))),
    (
        "/api/v1/coverage",
        Operation(
            "What each camera watched and what it did not, and why",
            {JSON: watchlist_schema.CoverageJson},
            (400,),
            (
                _query("from", "start, RFC 3339; absent: a day before the end", type="string", format="date-time"),
                _query("to", "end, RFC 3339; absent: now", type="string", format="date-time"),
            ),
        ),
    ),
    (
        "/api/v1/watchlist",
        Operation(
            "The people looked for, and the list's version",
            {JSON: watchlist_schema.WatchlistJson},
            (304, 400),
            ({"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}},),
        ),
    ),
    (
        "/api/v1/watchlist",
        Operation(
            "Make this the whole list, all or nothing; whoever is not on it is erased",
            {JSON: watchlist_schema.ChangedJson},
            CHANGE_ERRORS,
            (IF_MATCH,),
            method="put",
            body=watchlist_schema.WatchlistPut,
        ),
    ),
    (
        "/api/v1/watchlist/{person_id}",
        Operation(
            "Add or change one person; pictures given replace those there were",
            {JSON: watchlist_schema.ChangedJson},
            CHANGE_ERRORS,
            (PERSON_ID, IF_MATCH),
            method="put",
            body=watchlist_schema.PersonPut,
            form=watchlist_schema.PersonForm,
            creates=True,
        ),
    ),
    (
        "/api/v1/watchlist/{person_id}",
        Operation(
            "Erase one person with references, hits and pictures",
            {JSON: watchlist_schema.ErasedJson},
            (400, 404, 412, 422, 428),
            (PERSON_ID, IF_MATCH),
            method="delete",
        ),
    ),
    ("/api/v1/openapi.json", Operation("This document", {JSON: None}, (400,))),
    ("/metrics", Operation("Counters and gauges in Prometheus' text format", {"text/plain": None})),
)


def document(version: str) -> dict[str, Any]:
    """Return the whole OpenAPI 3.1 document."""
    models = {model for _, operation in OPERATIONS for model in operation.answers.values() if model}
    models |= {schema.Problem, schema.CursorProblem, watchlist_schema.RefusedProblem}
    taken = {body for _, operation in OPERATIONS for body in (operation.body, operation.form) if body}
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((model, "serialization") for model in sorted(models, key=lambda model: model.__name__)),
        *((model, "validation") for model in sorted(taken, key=lambda model: model.__name__)),
    ]
    _, definitions = models_json_schema(modes, ref_template="#/components/schemas/{model}")
    paths: dict[str, dict[str, Any]] = {}
    for path, operation in OPERATIONS:
        paths.setdefault(path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "edge", "version": version, "description": "Pull feed, pictures and health of one box."},
        "security": [{"token": []}, {"session": []}],
        "paths": paths | {"/livez": _livez()},
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "edge_session"},
            },
            "schemas": definitions["$defs"],
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    content = {kind: {"schema": _ref(model) if model else {}} for kind, model in operation.answers.items()}
    responses: dict[str, Any] = {"200": {"description": "as asked", "content": content}}
    for status in sorted({*operation.errors, 401, 403, 429, 503}):
        responses[str(status)] = {"description": WHY[status]}
        if status != 304:
            model = PROBLEMS.get(status, schema.Problem)
            responses[str(status)]["content"] = {PROBLEM: {"schema": _ref(model)}}
    if 416 in operation.errors:
        responses["206"] = {"description": "the range asked for", "content": content}
    if operation.creates:
        responses["201"] = {"description": "the person is new", "content": content}
    told: dict[str, Any] = {"summary": operation.summary, "parameters": list(operation.parameters)}
    if operation.body:
        taken = {JSON: operation.body} | ({FORM: operation.form} if operation.form else {})
        content = {kind: {"schema": _ref(model)} for kind, model in taken.items()}
        told["requestBody"] = {"required": True, "content": content}
    return told | {"responses": responses}


def _livez() -> dict[str, Any]:
    answer = {"200": {"description": "the service answers", "content": {"text/plain": {"schema": {"type": "string"}}}}}
    return {"get": {"summary": "Open to all: is the service there", "security": [], "responses": answer}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
