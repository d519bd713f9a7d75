"""The pull feed for central servers (docs/contract.md): cursors, long polls, 304 without touching the database."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from edge.errors import AuthError
from edge.records import FeedItem, FeedPage
from edge.serve.api.feed_pages import FEED_PAGES
from edge.serve.api.schema import ITEM_FIELDS
from edge.serve.app_keys import FEED_BELL, STORE, read
from edge.serve.http import inputs
from edge.serve.http.access import CALLER, Caller
from edge.serve.http.auth import CALLERS
from edge.serve.http.connection import NotModified
from edge.serve.http.problems import no_hit
from edge.serve.http.quotas import LONG_POLLS
from edge.store import Store, hit_to_json, item_to_json, to_line
from edge.store.feed import cursor

ALWAYS_SENT = frozenset({"seq", "at", "type"})
MAX_WAIT_S = 60
MAX_PAGE_BYTES = 1_000_000
"""Approximate size limit of one answer, whatever `limit` says; `more` is then true."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """Parameters of one pull."""

    after: str | None
    limit: int
    wait_s: int
    fields: frozenset[str] | None

    def seq(self) -> int:
        """Sequence number of the cursor: the puller has everything up to it. CursorError if we never issued it."""
        return cursor.decode(self.after)[1] if self.after is not None else 0

    def etag(self, store: Store) -> str:
        """ETag of the answer as the feed stands now, from memory. `wait` is left out: it changes when, not what."""
        fields = ",".join(sorted(self.fields)) if self.fields is not None else "*"
        text = f"{store.head_cursor()}\n{self.after}\n{self.limit}\n{fields}\n{_audit_head(store)}"
        return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


async def alerts(request: web.Request) -> web.StreamResponse:
    """Answer with the items after a cursor; with `wait`, as soon as there is one or when the time is over."""
    pull = _parse_pull(request)
    if not pull.wait_s:
        return (await _answer(request, pull))[0]
    deadline = time.monotonic() + pull.wait_s
    bell = request.app[FEED_BELL]
    with request.app[LONG_POLLS].held_by(request[CALLER].owner):
        while True:
            rings = bell.rings
            response, is_news = await _answer(request, pull)
            left_s = deadline - time.monotonic()
            if is_news or left_s <= 0:
                return response
            await bell.wait(rings, left_s)
            await _require_still_valid(request)


async def _require_still_valid(request: web.Request) -> None:
    """AuthError 401 where the token was revoked, or the login ended, during a long poll."""
    caller, now = request[CALLER], await request.app[CALLERS].identify(request)
    if (now.name, now.role, now.scopes) != (caller.name, caller.role, caller.scopes):
        raise AuthError("the token or login ended while this request waited: ask again with a valid one", status=401)


async def alert(request: web.Request) -> web.StreamResponse:
    """Answer with one hit."""
    inputs.check_names(request, ())
    hit = await read(request.app[STORE].hit, request.match_info["hit_id"])
    if hit is None:
        raise no_hit(request)
    return web.json_response(hit_to_json(hit))


def _parse_pull(request: web.Request) -> PullRequest:
    inputs.check_names(request, ("after", "limit", "wait", "fields"))
    return PullRequest(
        after=request.query.get("after") or None,
        limit=inputs.whole_number(request, "limit", 100, 1, 500),
        wait_s=inputs.whole_number(request, "wait", 0, 0, MAX_WAIT_S),
        fields=inputs.name_set(request, "fields", ITEM_FIELDS),
    )


async def _answer(request: web.Request, pull: PullRequest) -> tuple[web.Response, bool]:
    """The answer as the feed stands now, and whether it has items; an unchanged ETag gives 304 without the database.

    The ETag is made before the page is read. An item committed in between makes the tag too old, which costs one more
    pull; a tag made afterwards could hide that item.
    """
    store, caller = request.app[STORE], request[CALLER]
    holds = _replay_check(request, pull)
    etag = pull.etag(store)
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if inputs.has_seen(request, etag, any_counts=False):
        _note_progress(store, caller, pull)
        return NotModified(headers, holds), False
    body, page = await request.app[FEED_PAGES].get(caller.owner, etag, lambda: _page(store, pull))
    _note_progress(store, caller, pull)
    if inputs.has_seen(request, etag):  # `*`, which tells nothing of the cursor: that one was looked at first
        return NotModified(headers, None), False
    response = web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)
    return response, bool(page.items)


def _note_progress(store: Store, caller: Caller, pull: PullRequest) -> None:
    """Note how far a machine has got: its cursor confirms every item before it. The store saves that later."""
    if caller.scopes and caller.name is not None:
        store.note_pull(caller.name, pull.seq(), caller.made_at)


def _replay_check(request: web.Request, pull: PullRequest) -> Callable[[], bool] | None:
    """Make the check that lets the connection replay this 304: feed and audit unchanged, token valid with these scopes.

    None for people and for long polls, which are never replayed. The heads are read before the ETag is made: an item
    committed in between makes the check fail, and the next request runs the handlers.
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
        if token is None or token.created_at != caller.made_at or caller.scopes != frozenset(token.scopes):
            return False
        store.note_pull(name, seq, caller.made_at)
        return True

    return holds


def _page(store: Store, pull: PullRequest) -> tuple[bytes, FeedPage]:
    page = store.feed(pull.after, pull.limit, max_bytes=MAX_PAGE_BYTES)
    answer = {
        "items": [_selected_fields(item, pull.fields) for item in page.items],
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


def _selected_fields(item: FeedItem, fields: frozenset[str] | None) -> dict[str, Any]:
    whole = item_to_json(item)
    return whole if fields is None else {name: value for name, value in whole.items() if name in fields | ALWAYS_SENT}
