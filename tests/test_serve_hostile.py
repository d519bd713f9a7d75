"""Cookies, tokens, cursors, ids and ranges made up by a stranger: refused, and nothing is written."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from edge.store import Store
from tests.central_box import serve
from tests.store_material import ANN, add_hits, enrol

HEADER = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60)
PART = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
FEW = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


class Client:
    """Asks from the test's thread; the server has a loop of its own."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.store = Store.open(folder)
        enrol(self.store, ANN)
        add_hits(self.store, ANN, range(1, 6))
        self.token = self.store.add_token("t", ["alerts:read"]).result(10)
        self.runner, self.port = self._do(serve(self.store, 0))

    def _do(self, coroutine: object) -> object:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)  # type: ignore[arg-type]

    def status(self, path: str, headers: dict[str, str], query: dict[str, str] | None = None) -> int:
        """Status of one GET."""

        async def ask() -> int:
            url = URL.build(scheme="http", host="127.0.0.1", port=self.port, path=path, query=query or {})
            async with (
                aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
                http.get(url, headers=headers, allow_redirects=False) as answer,
            ):
                await answer.read()
                return answer.status

        return self._do(ask())  # type: ignore[return-value]

    def close(self) -> None:
        self._do(self.runner.cleanup())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        self.store.close()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    made = Client(tmp_path_factory.mktemp("data"))
    yield made
    made.close()


@FEW
@given(cookie=HEADER, token=HEADER)
def test_made_up_secrets_open_nothing(client: Client, cookie: str, token: str) -> None:
    writes = client.store.stats()["commits"]
    for headers in (
        {"Cookie": f"edge_session={cookie}"},
        {"Authorization": f"Bearer {token}"},
        {"Authorization": token},
        {"Authorization": f"Bearer {client.token[:-1]}{token}"},
    ):
        if headers.get("Authorization") == f"Bearer {client.token}":
            continue
        assert client.status("/api/v1/alerts", headers) in {400, 401}
    assert client.store.stats()["commits"] == writes


@FEW
@given(cursor=PART, limit=PART, wait=PART, fields=PART)
def test_made_up_parameters_are_refused_or_answered(
    client: Client, cursor: str, limit: str, wait: str, fields: str
) -> None:
    own = {"Authorization": f"Bearer {client.token}"}
    for query in ({"after": cursor}, {"limit": limit}, {"wait": wait + "x"}, {"fields": fields}, {cursor: "1"}):
        assert client.status("/api/v1/alerts", own, query) in {200, 400}
    for name in ("from", "to"):
        assert client.status("/api/v1/coverage", own, {name: cursor}) in {200, 400}


@FEW
@given(name=PART, tricks=st.sampled_from(["../../edge.db", "..%2f..%2fedge.db", "%00", "a/../../../etc/passwd"]))
def test_made_up_ids_find_nothing(client: Client, name: str, tricks: str) -> None:
    own = {"Authorization": f"Bearer {client.token}"}
    for path in (f"/api/v1/alerts/{name or 'x'}", f"/api/v1/images/{name or 'x'}", f"/api/v1/images/{tricks}"):
        assert client.status(path.replace("?", "").replace("#", ""), own) in {200, 400, 401, 403, 404}


@FEW
@given(value=st.one_of(HEADER, st.from_regex(r"bytes=[0-9]{0,25}-[0-9]{0,25}(,[0-9]+-[0-9]+)?", fullmatch=True)))
def test_made_up_ranges_are_refused_or_answered(client: Client, value: str) -> None:
    own = {"Authorization": f"Bearer {client.token}"}
    hit = client.store.hits(limit=1)[0]
    assert client.status(f"/api/v1/images/{hit.images.crop}", own | {"Range": value}) in {200, 206, 400, 416}
    assert client.status("/api/v1/alerts", own | {"If-None-Match": value}) in {200, 304, 400}
