"""Coverage for central servers: how long each camera watched, was blind and why, was paused and by whom."""

from __future__ import annotations

import datetime as dt
from typing import Any

from aiohttp import web

from edge.serve.app_keys import LIVE, STORE, read
from edge.serve.http import inputs
from edge.serve.http.problems import RequestError
from edge.store import Span, time_to_text

MAX_DAYS = 400


async def coverage(request: web.Request) -> web.StreamResponse:
    """Answer with watched, blind and paused seconds per camera; they add up to the time asked for."""
    inputs.check_names(request, ("from", "to"))
    account, now = request.app[STORE].coverage, request.app[STORE].coverage.moment().wall
    end = min(_time(request, "to", now), now)
    start = _time(request, "from", end - dt.timedelta(days=1))
    if not dt.timedelta(0) < end - start <= dt.timedelta(days=MAX_DAYS):
        raise RequestError(
            f"from {time_to_text(start)} to {time_to_text(end)} is no stretch of the past: "
            f"'from' has to be before 'to' and before now, and at most {MAX_DAYS} days"
        )
    cameras = request.app[LIVE].cameras()
    found = await read(account.report, start, end, cameras)
    return web.json_response(
        {
            "start": time_to_text(start),
            "end": time_to_text(end),
            "seconds": round((end - start).total_seconds(), 3),
            "cameras": [_camera(name, spans) for name, spans in sorted(found.items())],
        }
    )


def _camera(name: str, spans: tuple[Span, ...]) -> dict[str, Any]:
    totals: dict[str, dict[str, float]] = {"watched": {}, "blind": {}, "paused": {}}
    for span in spans:
        key = {"watched": "", "blind": span.reason, "paused": span.by or ""}[span.state]
        totals[span.state][key] = totals[span.state].get(key, 0.0) + span.seconds
    rounded = {state: {key: round(value, 3) for key, value in sums.items()} for state, sums in totals.items()}
    return {
        "camera": name,
        "watched_s": rounded["watched"].get("", 0.0),
        "blind_s": rounded["blind"],
        "paused_s": rounded["paused"],
        "spans": [
            {
                "state": span.state,
                "reason": span.reason,
                "by": span.by,
                "start": time_to_text(span.start),
                "end": time_to_text(span.end),
                "seconds": round(span.seconds, 3),
            }
            for span in spans
        ],
    }


def _time(request: web.Request, name: str, default: dt.datetime) -> dt.datetime:
    text = request.query.get(name)
    if text is None:
        return default
    try:
        # The + of a time zone, unescaped in an address, arrives as a blank.
        found = dt.datetime.fromisoformat(text.replace(" ", "+"))
        if found.tzinfo is None or not 1970 <= found.year < 9000:
            raise ValueError
        return found.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise RequestError(f"{name} = {text[:40]!r} is no time: give RFC 3339, such as 2026-03-04T05:06:07Z") from None
