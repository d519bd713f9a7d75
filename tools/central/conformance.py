"""Checks whether the feed of a box keeps the contract. Standard library only; reads, never writes.

    python -m tools.central.conformance URL TOKEN [--cafile FILE]

One line per check: PASS, FAIL with what was found, or SKIP with the reason (a box without a hit can't show a picture).
Exits 0 when nothing failed. The token needs the scope alerts:read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

FEED = "/api/v1/alerts"
TYPES = {"alert.created", "alert.updated", "alert.reviewed", "alert.erased", "gap", "health", "heartbeat"}
MAX_ITEMS = 2000
MOST_NEWS = 100
"""How often news may come between two requests: a box that is asked may have much to tell."""


class Skip(Exception):
    """The box can't show that now."""


@dataclass
class Answer:
    """Status, headers and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Appliance:
    """One device to ask, and the hits it has shown."""

    url: str
    token: str
    cafile: str | None = None
    hits: list[dict[str, Any]] = field(default_factory=list)

    def get(self, path: str, headers: dict[str, str] | None = None, token: str | None = "") -> Answer:
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self.token}"
        request = urllib.request.Request(self.url.rstrip("/") + path, headers=sent)
        context = ssl.create_default_context(cafile=self.cafile) if self.url.startswith("https") else None
        try:
            with urllib.request.urlopen(request, timeout=90, context=context) as answer:
                return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())

    def page(self, query: str = "") -> dict[str, Any]:
        answer = self.get(FEED + query)
        require(answer.status == 200, f"{FEED}{query} answered {answer.status}: {answer.body[:200]!r}")
        return dict(answer.json)

    def read_all(self, limit: int, most: int) -> tuple[list[dict[str, Any]], str]:
        """Items from the oldest on, `limit` at a time, and the cursor after them."""
        items: list[dict[str, Any]] = []
        page = self.page(f"?limit={limit}")
        while True:
            require(len(page["items"]) <= limit, f"limit={limit} brought {len(page['items'])} items")
            items += page["items"]
            if not page["more"] or len(items) >= most:
                return items, page["next"]
            page = self.page(f"?limit={limit}&after={page['next']}")


def require(held: bool, found: str) -> None:
    """Fail with what was found."""
    if not held:
        raise AssertionError(found)


def problem(answer: Answer, status: int) -> None:
    """An error is RFC 9457 problem+json."""
    require(answer.status == status, f"expected {status}, got {answer.status}")
    kind = answer.headers.get("content-type", "")
    require(kind.startswith("application/problem+json"), f"{status} came as {kind!r}")
    require(answer.json["status"] == status and answer.json["detail"] != "", f"{answer.json}")


def strangers_are_refused(box: Appliance) -> None:
    problem(box.get(FEED, token=None), 401)
    problem(box.get(FEED, token="edge_nobody"), 401)
    require(box.get("/livez", token=None).status == 200, "/livez is not open")


def a_page_has_its_fields(box: Appliance) -> None:
    page = box.page("?limit=5")
    missing = {"items", "next", "epoch", "head", "more", "audit_head"} - set(page)
    require(not missing, f"missing: {sorted(missing)}")
    for item in page["items"]:
        require(item["type"] in TYPES, f"unknown type {item['type']!r}")
        datetime.fromisoformat(item["at"])
        require(item["at"].endswith("Z"), f"{item['at']} is not in UTC")


def items_are_in_order_and_none_twice(box: Appliance) -> None:
    items, _ = box.read_all(500, MAX_ITEMS)
    numbers = [item["seq"] for item in items]
    require(numbers == sorted(set(numbers)), "seq is not strictly increasing")
    holes = [two for one, two in zip(numbers, numbers[1:]) if two != one + 1]  # noqa: B905, RUF007
    require(not holes, f"a hole before seq {holes[:3]}")
    box.hits = [item for item in items if item["type"] == "alert.created"]


def small_pages_bring_the_same(box: Appliance) -> None:
    large, _ = box.read_all(500, 60)
    small, _ = box.read_all(7, len(large))
    both = min(len(large), len(small))
    require(both > 0, "the feed is empty")
    require([item["seq"] for item in large[:both]] == [item["seq"] for item in small[:both]], "other items")


def a_cursor_resumes_and_may_be_used_again(box: Appliance) -> None:
    first = box.page("?limit=2")
    one, two = box.page(f"?limit=3&after={first['next']}"), box.page(f"?limit=3&after={first['next']}")
    require([i["seq"] for i in one["items"]] == [i["seq"] for i in two["items"]], "the second time it brought others")
    if first["items"] and one["items"]:
        require(one["items"][0]["seq"] == first["items"][-1]["seq"] + 1, "an item was left out")


def no_news_is_304(box: Appliance) -> None:
    _, cursor = box.read_all(500, 10**9)
    for _ in range(MOST_NEWS):
        answer = box.get(f"{FEED}?after={cursor}")
        require(answer.status == 200, f"{FEED}?after={cursor} answered {answer.status}")
        tag = answer.headers.get("etag", "")
        require(tag.startswith('"'), f"no strong ETag: {tag!r}")
        if box.get(f"{FEED}?after={cursor}", {"If-None-Match": tag}).status == 304:
            return
        cursor = answer.json["next"]  # news came in between
    raise AssertionError(f"{MOST_NEWS} times no 304")


def a_long_poll_waits(box: Appliance) -> None:
    _, cursor = box.read_all(500, 10**9)
    began = time.monotonic()
    page = box.page(f"?after={cursor}&wait=2")
    took_s = time.monotonic() - began
    require(bool(page["items"]) or 1.5 <= took_s <= 6, f"without news it answered after {took_s:.1f} s")


def wrong_questions_are_400(box: Appliance) -> None:
    for query in (
        "?limit=0",
        "?limit=501",
        "?limit=x",
        "?wait=61",
        "?nonsense=1",
        "?after=nonsense",
        "?fields=nonsense",
    ):
        problem(box.get(FEED + query), 400)
    cursor = box.page("?limit=1")["next"]
    altered = ("A" if cursor[5] != "A" else "B").join((cursor[:5], cursor[6:]))
    problem(box.get(f"{FEED}?after={altered}"), 400)


def fields_leave_the_rest_out(box: Appliance) -> None:
    for item in box.page("?limit=20&fields=hit_id,camera")["items"]:
        require(set(item) <= {"seq", "at", "type", "hit_id", "camera"}, f"{sorted(item)}")


def a_hit_can_be_asked_for(box: Appliance) -> None:
    problem(box.get(f"{FEED}/none"), 404)
    for hit in reversed(box.hits):
        answer = box.get(f"{FEED}/{hit['hit_id']}")
        if answer.status == 200:
            require(answer.json["hit_id"] == hit["hit_id"], "another hit")
            return
    raise Skip("no hit is kept")


def pictures_are_what_their_name_says(box: Appliance) -> None:
    problem(box.get("/api/v1/images/" + "0" * 64), 404)
    for hit in reversed(box.hits):
        name = hit["images"]["crop"]
        answer = box.get(f"/api/v1/images/{name}")
        if answer.status == 200:
            require(hashlib.sha256(answer.body).hexdigest() == name, "the bytes are others")
            part = box.get(f"/api/v1/images/{name}", {"Range": "bytes=10-19"})
            require(part.status == 206 and part.body == answer.body[10:20], f"Range was answered {part.status}")
            return
    raise Skip("no picture is kept")


def coverage_adds_up(box: Appliance) -> None:
    end = datetime.fromisoformat(box.get("/api/v1/coverage").json["end"])
    start = end - timedelta(hours=3)
    query = f"?from={start.isoformat().replace('+00:00', 'Z')}&to={end.isoformat().replace('+00:00', 'Z')}"
    told = box.get("/api/v1/coverage" + query).json
    for camera in told["cameras"]:
        total = camera["watched_s"] + sum(camera["blind_s"].values()) + sum(camera["paused_s"].values())
        require(abs(total - told["seconds"]) < 1, f"{camera['camera']}: {total} s of {told['seconds']} s")
    require(bool(told["cameras"]), "no camera")


def it_describes_itself(box: Appliance) -> None:
    document = box.get("/api/v1/openapi.json").json
    require(document["openapi"].startswith("3."), "no OpenAPI document")
    require({FEED, "/api/v1/coverage", "/api/v1/watchlist"} <= set(document["paths"]), f"{sorted(document['paths'])}")
    health = box.get("/api/v1/health").json
    require({"box_id", "version", "cameras"} <= set(health), f"{sorted(health)}")
    require("consumers" in box.get("/api/v1/consumers").json, "no consumers")


CHECKS: tuple[Callable[[Appliance], None], ...] = (
    strangers_are_refused,
    a_page_has_its_fields,
    items_are_in_order_and_none_twice,
    small_pages_bring_the_same,
    a_cursor_resumes_and_may_be_used_again,
    no_news_is_304,
    a_long_poll_waits,
    wrong_questions_are_400,
    fields_leave_the_rest_out,
    a_hit_can_be_asked_for,
    pictures_are_what_their_name_says,
    coverage_adds_up,
    it_describes_itself,
)


def run(box: Appliance) -> list[tuple[str, str, str]]:
    """(check, PASS, FAIL or SKIP, what was found) of every check."""
    results = []
    for check in CHECKS:
        name = check.__name__.replace("_", " ")
        try:
            check(box)
            results.append((name, "PASS", ""))
        except Skip as reason:
            results.append((name, "SKIP", str(reason)))
        except Exception as error:  # noqa: BLE001 - whatever a box answers, the other checks still run
            results.append((name, "FAIL", f"{type(error).__name__}: {error}"))
    return results


def main() -> int:
    """Check the box named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("--cafile", help="certificate to trust, such as the box's own tls.crt")
    given = parser.parse_args()
    results = run(Appliance(given.url, given.token, given.cafile))
    for name, verdict, found in results:
        print(f"{verdict}  {name}" + (f": {found}" if found else ""))
    return int(any(verdict == "FAIL" for _, verdict, _ in results))


if __name__ == "__main__":
    sys.exit(main())
