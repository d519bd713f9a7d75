"""Coverage for central servers: how long each camera watched, was blind and why, was paused and by whom."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import web

from edge.serve.app_keys import LIVE, STORE
from edge.serve.http import inputs
from edge.serve.http.access import CALLER
from edge.serve.http.audit import NAMES_NOTHING
from edge.serve.http.problems import RequestError
from edge.serve.http.quotas import Shares
from edge.serve.http.work import CpuCredit, timed
from edge.store import Span, Store, time_to_text
from edge.store.coverage.coverage import TooManySpansError

MAX_DAYS = 400
MAX_SPANS = 20_000
"""Spans that one answer may list: some megabytes. Over more, it has the sums alone."""
MAX_WAITING = 16
MAX_CPU_SHARE, BURST_CPU_S = 0.05, 1.0
"""CPU seconds per second for the reports of one caller on average, and at once: nobody has to catch up with them."""


async def coverage(request: web.Request) -> web.StreamResponse:
    """Answer with watched, blind and paused seconds per camera; they add up to the time asked for."""
    inputs.check_names(request, ("from", "to"))
    now = request.app[STORE].coverage.moment().wall
    end = min(_time(request, "to", now), now)
    start = _time(request, "from", end - dt.timedelta(days=1))
    if not dt.timedelta(0) < end - start <= dt.timedelta(days=MAX_DAYS):
        raise RequestError(
            f"from {time_to_text(start)} to {time_to_text(end)} is no stretch of the past: "
            f"'from' has to be before 'to' and before now, and at most {MAX_DAYS} days"
        )
    request[NAMES_NOTHING] = frozenset()
    cameras, store = request.app[LIVE].cameras(), request.app[STORE]
    body = await request.app[REPORTS].make(request[CALLER].owner, lambda: _report(store, start, end, cameras))
    return web.Response(body=body, content_type="application/json", charset="utf-8")


class Reports:
    """Makes reports on a thread of their own, one after the other, and charges each to who asks for it.

    The feed and the page share other threads, so that reports can't hold them up.
    """

    def __init__(self) -> None:
        self._credit = CpuCredit(MAX_CPU_SHARE, BURST_CPU_S)
        self._places = Shares(MAX_WAITING, "coverage reports")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="coverage")

    async def make(self, who: str, build: Callable[[], bytes]) -> bytes:
        """The report; AuthError 429 for who has used up their CPU time or waits for many reports already."""
        self._credit.require(who)
        with self._places.held_by(who):
            body, cost_s = await asyncio.get_running_loop().run_in_executor(self._thread, timed, build)
        self._credit.charge(who, cost_s)
        return body

    def close(self) -> None:
        """Drop the reports that wait."""
        self._thread.shutdown(wait=True, cancel_futures=True)


REPORTS = web.AppKey("coverage_reports", Reports)


def prepare(app: web.Application) -> None:
    """Add what makes the reports; it ends with the application."""
    reports = app[REPORTS] = Reports()

    async def close(_: web.Application) -> None:
        await asyncio.to_thread(reports.close)

    app.on_cleanup.append(close)


def _report(store: Store, start: dt.datetime, end: dt.datetime, cameras: Sequence[str]) -> bytes:
    try:
        found = store.coverage.report(start, end, cameras, MAX_SPANS)
        told = [_camera(name, _sums(spans), spans) for name, spans in sorted(found.items())]
    except TooManySpansError:
        told = [_camera(name, sums, ()) for name, sums in sorted(store.coverage.sums(start, end, cameras).items())]
    answer = {
        "start": time_to_text(start),
        "end": time_to_text(end),
        "seconds": round((end - start).total_seconds(), 3),
        "has_spans": all(one["spans"] for one in told),
        "cameras": told,
    }
    return json.dumps(answer).encode()


def _sums(spans: Sequence[Span]) -> dict[tuple[str, str, str], float]:
    sums: dict[tuple[str, str, str], float] = {}
    for span in spans:
        key = (span.state, span.reason, span.by or "")
        sums[key] = sums.get(key, 0.0) + span.seconds
    return sums


def _camera(name: str, sums: Mapping[tuple[str, str, str], float], spans: Sequence[Span]) -> dict[str, Any]:
    totals: dict[str, dict[str, float]] = {"watched": {}, "blind": {}, "paused": {}}
    for (state, reason, by), seconds in sums.items():
        key = {"watched": "", "blind": reason, "paused": by}[state]
        totals[state][key] = totals[state].get(key, 0.0) + seconds
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
