"""The pull feed for central servers (docs/contract.md): cursors, long polls, 304 without touching the database."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from edge.errors import NotFoundError
from edge.records import FeedItem, FeedPage
from edge.serve.api.feed_pages import ANSWERS
from edge.serve.api.schema import ITEM_FIELDS
from edge.serve.app_keys import CALLER, FEED_BELL, POLLS, STORE, read
from edge.serve.http import inputs
from edge.serve.http.access import Caller
from edge.serve.http.again import Unchanged
from edge.store import Store, hit_to_json, item_to_json, to_line
from edge.store.feed import cursor

ALWAYS = frozenset({"seq", "at", "type"})
MAX_WAIT_S = 60
MAX_PAGE_BYTES = 1_000_000
"""About what one answer may have, whatever the limit: `more` says that there is more."""


@dataclass(frozen=True, slots=True)
class Pull:
    """What one puller asks for."""

    after: str | None
    limit: int
    wait_s: int
    fields: frozenset[str] | None

    def seq(self) -> int:
        """Number up to which the puller has all; CursorError for a cursor that was never ours."""
        return cursor.decode(self.after)[1] if self.after is not None else 0

    def etag(self, store: Store) -> str:
        """Strong tag of the answer as the feed stands now; waiting changes no answer. Reads memory only."""
        fields = ",".join(sorted(self.fields)) if self.fields is not None else "*"
        text = f"{store.head_cursor()}\n{self.after}\n{self.limit}\n{fields}\n{_audit_head(store)}"
        return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


async def alerts(request: web.Request) -> web.StreamResponse:
    """Answer with the items after a cursor: at once, or within the wait as soon as there are some."""
    pull = _asked(request)
    if not pull.wait_s:
        return (await _answer(request, pull))[0]
    deadline = time.monotonic() + pull.wait_s
    bell = request.app[FEED_BELL]
    with request.app[POLLS]:
        while True:
            rings = bell.rings
            response, is_news = await _answer(request, pull)
            left_s = deadline - time.monotonic()
            if is_news or left_s <= 0:
                return response
            await bell.wait(rings, left_s)


async def alert(request: web.Request) -> web.StreamResponse:
    """Answer with one hit."""
    inputs.check_names(request, ())
    hit = await read(request.app[STORE].hit, request.match_info["hit_id"])
    if hit is None:
        raise NotFoundError(
            f"hit {request.match_info['hit_id'][:64]} is not kept: it never was, was erased, or is too old"
        )
    return web.json_response(hit_to_json(hit))


def _asked(request: web.Request) -> Pull:
    inputs.check_names(request, ("after", "limit", "wait", "fields"))
    return Pull(
        after=request.query.get("after"),
        limit=inputs.number(request, "limit", 100, 1, 500),
        wait_s=inputs.number(request, "wait", 0, 0, MAX_WAIT_S),
        fields=inputs.names(request, "fields", ITEM_FIELDS),
    )


async def _answer(request: web.Request, pull: Pull) -> tuple[web.Response, bool]:
    """The answer as the feed stands now, and whether it has news; 304 without touching the database when it has not.

    The tag is taken before the page is read: it can only be too old, and cost one pull more, never hide an item.
    """
    store, caller = request.app[STORE], request[CALLER]
    holds = _still(request, pull)
    etag = pull.etag(store)
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if etag in (part.strip() for part in request.headers.get("If-None-Match", "").split(",")):
        _note(store, caller, pull)
        return Unchanged(headers, holds), False
    body, page = await request.app[ANSWERS].get(caller.name or "", etag, lambda: _page(store, pull))
    _note(store, caller, pull)
    response = web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)
    return response, bool(page.items)


def _note(store: Store, caller: Caller, pull: Pull) -> None:
    """Remember how far a machine has come: who asks for what is after a cursor has all up to it. Memory only."""
    if caller.scopes and caller.name is not None:
        store.note_pull(caller.name, pull.seq())


def _still(request: web.Request, pull: Pull) -> Callable[[], bool] | None:
    """Whether a machine that asks this again at once may have the same answer: no news, and its token is as it was.

    Looked up before the tag is made, so that news which come in between only cost the longer way. None: never.
    """
    store, caller = request.app[STORE], request[CALLER]
    name, secret = caller.name, request.headers.get("Authorization", "").partition(" ")[2].strip()
    if pull.wait_s or name is None or not caller.scopes:
        return None
    head, audit_head, seq = store.head_seq(), store.audit_head(), pull.seq()

    def holds() -> bool:
        if store.head_seq() != head or store.audit_head() != audit_head:
            return False
        token = store.check_token(secret)
        if token is None or token.name != name or caller.scopes != frozenset(token.scopes):
            return False
        store.note_pull(name, seq)
        return True

    return holds


def _page(store: Store, pull: Pull) -> tuple[bytes, FeedPage]:
    page = store.feed(pull.after, pull.limit, max_bytes=MAX_PAGE_BYTES)
    answer = {
        "items": [_item(item, pull.fields) for item in page.items],
        "next": page.next,
        "epoch": page.epoch,
        "head": page.head,
        "more": page.more,
        "audit_head": _audit_head(store),
    }
    return to_line(answer).encode(), page


def _audit_head(store: Store) -> str | None:
    head = store.audit_head()
    return head.sha256 if head else None


def _item(item: FeedItem, fields: frozenset[str] | None) -> dict[str, Any]:
    whole = item_to_json(item)
    return whole if fields is None else {name: value for name, value in whole.items() if name in fields | ALWAYS}
