"""What comes too slowly is cut, and others are served meanwhile: headers, bodies, silence, handshakes."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

import aiohttp
import pytest

from edge.config import ServeConfig
from edge.serve import app as app_module
from edge.serve.http import connection, inputs
from tests.support.serve.web_client import answer_of, connect, is_closed, question, served
from tests.support.web import run, running


def test_dripping_headers_are_cut_while_others_are_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "KEEPALIVE_S", 1.0)

    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.token()
            reader, writer = await connect(box)
            asked = question("/api/v1/alerts", headers)
            cut = asyncio.create_task(is_closed(reader))
            for at in range(len(asked) - 1):
                writer.write(asked[at : at + 1])
                assert (await box.get("/api/v1/alerts?limit=1", headers))[0].status == 200
                if cut.done():
                    break
                await asyncio.sleep(0.1)
            assert await cut
            reader, writer = await connect(box)
            assert await is_closed(reader), "one that says nothing at all"

    run(check())


def test_a_dripping_body_is_cut_read_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "BODY_TIMEOUT_S", 0.5)
    monkeypatch.setattr(app_module, "LINGER_S", 0.5)

    async def check() -> None:
        async with running(tmp_path) as box:
            kinds = {"Content-Length": "9000", "Content-Type": "application/json", "If-Match": "*"}
            for method, headers, status in (
                ("PUT", box.token("watchlist:write", name="w"), 408),
                ("PUT", box.token("alerts:read", name="r"), 403),
            ):
                reader, writer = await connect(box)
                asked = question("/api/v1/watchlist", headers | kinds)
                writer.write(asked.replace(b"GET", method.encode(), 1))
                assert (await answer_of(reader))[0] == status
                cut = asyncio.create_task(is_closed(reader))
                for _ in range(100):
                    writer.write(b" ")
                    assert (await box.get("/livez"))[0].status == 200
                    if cut.done():
                        break
                    await asyncio.sleep(0.1)
                assert await cut
                writer.close()

    run(check())


def test_a_handshake_that_does_not_come_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection, "HANDSHAKE_S", 0.5)

    async def check() -> None:
        with caplog.at_level(logging.WARNING, "edge.serve"):
            async with served(ServeConfig(tls="on"), tmp_path) as (url, _), aiohttp.ClientSession() as http:
                port = int(url.rsplit(":", 1)[1].strip("/"))
                reader, silent = await asyncio.open_connection("127.0.0.1", port)
                nonsense_reader, nonsense = await asyncio.open_connection("127.0.0.1", port)
                nonsense.write(b"GET / HTTP/1.1\r\n\r\n")
                tls = ssl.create_default_context(cafile=str(tmp_path / "tls.crt"))
                async with http.get(url, ssl=tls) as answer:
                    assert (answer.status, await answer.text()) == (200, "https")
                assert await is_closed(reader)
                assert await is_closed(nonsense_reader)
                silent.close()
                nonsense.close()
        assert caplog.text.count("the TLS handshake failed") == 1

    run(check())
