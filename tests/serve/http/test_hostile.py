"""Cookies, tokens, cursors, ids, ranges, bytes and uploads made up by a stranger: refused, logged, nothing written."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from edge.app.people.worker import PeopleWorker
from edge.config import load
from edge.serve.ports import PeopleService
from edge.store import Store
from tests.support.drawings import draw_face, png, png_that_says
from tests.support.serve.central import serve
from tests.support.store import ANN, add_hits, enrol

HEADER = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60)
PART = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
FEW = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


class Client:
    """Asks from the test's thread; the server has a loop of its own."""

    def __init__(self, folder: Path, make_people: Callable[[Store], PeopleService] | None = None) -> None:
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.store = Store.open(folder)
        enrol(self.store, ANN)
        add_hits(self.store, ANN, range(1, 6))
        self.token = self.store.add_token("t", ["alerts:read"]).result(10)
        self.runner, self.port = self._do(serve(self.store, 0, make_people(self.store) if make_people else None))

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

    def put(self, path: str, headers: dict[str, str], body: object) -> int:
        """Status of one PUT of JSON."""

        async def ask() -> int:
            url = f"http://127.0.0.1:{self.port}{path}"
            async with aiohttp.ClientSession() as http, http.put(url, headers=headers, json=body) as answer:
                await answer.read()
                return answer.status

        return self._do(ask())  # type: ignore[return-value]

    def send(self, data: bytes, *, ends: bool = True) -> bytes:
        """What the box answers to bare bytes until it closes; with `ends`, this side closes, too."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as sock:
            try:
                sock.sendall(data)
                if ends:
                    sock.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: sock.recv(65_536), b""))
            except ConnectionError:
                return b""

    def files(self) -> set[Path]:
        """Every file below the data directory."""
        return {path for path in self.folder.rglob("*") if path.is_file()}

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


@FEW
@given(data=st.one_of(st.binary(max_size=300), st.binary(max_size=100).map(lambda tail: b"GET /api/v1/alerts " + tail)))
def test_made_up_bytes_are_refused_or_dropped(client: Client, data: bytes) -> None:
    head, people = client.store.head_seq(), client.store.watchlist_version()
    answer = client.send(data)
    assert answer == b"" or answer.split()[1][:1] in {b"2", b"3", b"4"}, answer
    assert (client.store.head_seq(), client.store.watchlist_version()) == (head, people)


def test_what_is_no_http_costs_no_line_each(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    client = Client(tmp_path)
    try:
        with caplog.at_level(logging.WARNING):
            for _ in range(5):
                assert client.send(b"GET / nonsense\r\n\r\n", ends=False).split()[1] == b"400"
    finally:
        client.close()
    told = [record.getMessage() for record in caplog.records if record.name.startswith(("edge.serve", "aiohttp"))]
    assert told == ["refused: address=127.0.0.1 what=400 no HTTP times=1"]


def test_what_is_refused_is_in_the_log_once_and_names_no_secret(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "edge.serve"):
        for _ in range(5):
            assert client.status("/api/v1/consumers", {"Authorization": "Bearer edge_made-up-secret"}) == 401
    told = [record.getMessage() for record in caplog.records if "api.consumers" in record.getMessage()]
    assert told == ["refused: address=127.0.0.1 what=401 api.consumers times=1"]
    assert "made-up-secret" not in caplog.text


def bad_pictures() -> dict[str, bytes]:
    """Files that are no pictures, or would be far too many pixels, under names that try to lead elsewhere."""
    torn = png(draw_face(1))[:200]
    return {
        "../../../edge.db": b"GIF89a/*" + b"<script>alert(1)</script>" * 20,
        "/etc/passwd\0.png": b"",
        "bomb.png": png_that_says(60_000, 60_000),
        "..\\..\\zip.jpg": b"\xff\xd8\xff\xe0PK\x03\x04" + b"\0" * 400,
        "torn.png": torn,
        "polyglot.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    }


def test_uploads_that_are_no_pictures_leave_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    workers: list[PeopleWorker] = []

    def make_people(store: Store) -> PeopleWorker:
        workers.append(PeopleWorker(load(), store))
        return workers[-1]

    client = Client(tmp_path, make_people)
    try:
        token = client.store.add_token("w", ["watchlist:write"]).result(10)
        own = {"Authorization": f"Bearer {token}", "If-Match": "*"}
        files, people = client.files(), client.store.watchlist_version()
        entry = {"name": "N", "status": "s"}
        with caplog.at_level(logging.WARNING, "edge.serve"):
            for name, data in bad_pictures().items():
                body = entry | {"pictures": [{"name": name, "data": base64.b64encode(data).decode()}]}
                assert client.put("/api/v1/watchlist/p9", own, body) == 422, name
            for person_id in ("..%2f..%2fx", "%00", "a" * 300, "."):
                assert client.put(f"/api/v1/watchlist/{person_id}", own, entry) in {400, 404, 405, 422}, person_id
        assert client.store.watchlist_version() == people
        assert client.files() == files
        assert "what=422 api.person.put" in caplog.text
    finally:
        client.close()
        workers[0].close()
