"""Reads query parameters strictly: a parameter that is unknown, given twice or out of range is refused by name."""

from __future__ import annotations

from aiohttp import web

from edge.serve.http.problems import RequestError


def check_names(request: web.Request, known: tuple[str, ...]) -> None:
    """Refuse parameters that this address doesn't have, and any that is given twice."""
    for name in request.query:
        if name not in known:
            names = ", ".join(known) or "none"
            raise RequestError(f"parameter {name!r} is not known at {request.path}: it takes {names}")
        if len(request.query.getall(name)) > 1:
            raise RequestError(f"parameter {name!r} is given more than once: give it once")


def number(request: web.Request, name: str, default: int, low: int, high: int) -> int:
    """Return a whole number within `low`..`high`."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19 and low <= int(text) <= high):
        raise RequestError(f"{name} = {text[:40]!r} is not right: give a whole number from {low} to {high}")
    return int(text)


def names(request: web.Request, name: str, known: frozenset[str]) -> frozenset[str] | None:
    """Return a comma list of known names as a set, or None when the parameter is absent."""
    text = request.query.get(name)
    if text is None:
        return None
    chosen = frozenset(part.strip() for part in text.split(","))
    if unknown := sorted(chosen - known):
        raise RequestError(
            f"{name} has {unknown[0][:40]!r}, which is not known: choose from {', '.join(sorted(known))}"
        )
    return chosen
