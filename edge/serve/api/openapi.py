"""Builds `openapi.json` from the routes that have an `operation`; the texts per route are in `operations`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from edge.serve.api import schema, watchlist_schema
from edge.serve.http.route import Operation, Route

JSON = "application/json"
FORM = "multipart/form-data"
PROBLEM = "application/problem+json"

MEANINGS: Mapping[int, str] = {
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
    503: "the box is still being prepared, or its data directory can't be read; see Retry-After",
}
COMMON_ERRORS = (401, 403, 429, 503)
"""Statuses that every route may answer, except an open one."""

RETRY_AFTER = {"description": "seconds to wait before asking again", "schema": {"type": "integer", "minimum": 0}}

PROBLEMS: Mapping[int, type[BaseModel]] = {410: schema.CursorProblem, 422: watchlist_schema.RefusedProblem}
"""Problems with more fields than `schema.Problem`."""


def document(version: str, routes: Iterable[Route]) -> dict[str, Any]:
    """Return the whole OpenAPI 3.1 document, paths in the order of the table."""
    described = [(route, route.operation) for route in routes if route.operation is not None]
    models = {model for _, operation in described for model in operation.answers.values() if model}
    models |= {schema.Problem, *PROBLEMS.values()}
    bodies = {body for _, operation in described for body in (operation.body, operation.form) if body}
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((model, "serialization") for model in sorted(models, key=lambda model: model.__name__)),
        *((model, "validation") for model in sorted(bodies, key=lambda model: model.__name__)),
    ]
    _, definitions = models_json_schema(modes, ref_template="#/components/schemas/{model}")
    paths: dict[str, dict[str, Any]] = {}
    for route, operation in described:
        entry = _open(operation) if route.access.is_open else _operation(operation)
        # Generated clients name their functions and modules by these.
        name = route.name.removeprefix("api.").replace(".", "_")
        entry = {"operationId": name, "tags": ["edge"], **entry}
        paths.setdefault(route.path, {})[route.method.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {"title": "edge", "version": version, "description": "Pull feed, pictures and health of one box."},
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "edge_session"},
            },
            "schemas": definitions["$defs"],
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    content = {kind: {"schema": _ref(model) if model else _plain(kind)} for kind, model in operation.answers.items()}
    responses: dict[str, Any] = {"200": {"description": "as asked", "content": content}}
    for status in sorted({*operation.errors, *COMMON_ERRORS}):
        responses[str(status)] = {"description": MEANINGS[status]}
        if status != 304:
            model = PROBLEMS.get(status, schema.Problem)
            responses[str(status)]["content"] = {PROBLEM: {"schema": _ref(model)}}
        if status in (429, 503):
            responses[str(status)]["headers"] = {"Retry-After": RETRY_AFTER}
    if 416 in operation.errors:
        responses["206"] = {"description": "the range asked for", "content": content}
    if operation.creates:
        responses["201"] = {"description": "the person is new", "content": content}
    entry: dict[str, Any] = {"summary": operation.summary, "parameters": list(operation.parameters)}
    if operation.body:
        bodies = {JSON: operation.body} | ({FORM: operation.form} if operation.form else {})
        content = {kind: {"schema": _ref(model)} for kind, model in bodies.items()}
        entry["requestBody"] = {"required": True, "content": content}
    return entry | {"responses": responses}


def _open(operation: Operation) -> dict[str, Any]:
    """Describe a route that is open to all: plain text, and no other status."""
    answer = {"description": "the service answers", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return {"summary": operation.summary, "security": [], "responses": {"200": answer}}


def _plain(kind: str) -> dict[str, Any]:
    """The schema of an answer that no model describes: any JSON, text, or a file's bytes."""
    if kind == JSON:
        return {}
    return {"type": "string"} if kind.startswith("text/") else {"type": "string", "format": "binary"}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
