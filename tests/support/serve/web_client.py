"""Clients of the web side: whole pages of the feed, JSON calls, bare sockets, a small site over TLS."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from edge.config import ServeConfig
from edge.serve import start
from edge.serve.http.tls import server_identity
from tests.support.web import WebSide


async def pull(box: WebSide, headers: dict[str, str], query: str = "") -> dict[str, Any]:
    """One answer of the feed that must be 200."""
    answer, body = await box.get(f"/api/v1/alerts{query}", headers)
    assert answer.status == 200, body
    page: dict[str, Any] = json.loads(body)
    return page


def count_reads(box: WebSide) -> list[Any]:
    """Record every read of the database from now on."""
    reads: list[Any] = []
    inner = box.store._core.read

    def read(query: Any) -> Any:
        reads.append(query)
        return inner(query)

    box.store._core.read = read  # type: ignore[method-assign]
    return reads


async def send(box: WebSide, method: str, path: str, headers: dict[str, str], body: Any = None) -> tuple[int, Any, str]:
    """Status, JSON and ETag of one call."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json"} | headers if data is not None else headers
    async with box.http.request(method, box.url + path, data=data, headers=sent) as answer:
        text = await answer.read()
        return answer.status, json.loads(text) if text else None, answer.headers.get("ETag", "")


async def connect(box: WebSide, receive_bytes: int | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare connection; with `receive_bytes`, one that soon takes no more."""
    sock = socket.socket()
    if receive_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", int(box.url.rsplit(":", 1)[1])))
    return await asyncio.open_connection(sock=sock, limit=1024)


def question(path: str, headers: dict[str, str]) -> bytes:
    """A whole GET."""
    lines = [f"GET {path} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status and headers of an answer without a body."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    return int(head[0].split()[1]), {name.lower(): value for name, value in pairs}


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Whether the box ends the connection soon."""
    try:
        while await asyncio.wait_for(reader.read(65_536), 20):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


@contextlib.asynccontextmanager
async def served(config: ServeConfig, folder: Path) -> AsyncIterator[tuple[str, str]]:
    """Address and fingerprint of a small site behind `config`."""
    app = web.Application()

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=request.scheme)

    app.router.add_get("/", page)
    shown = await asyncio.to_thread(server_identity, config, folder, "gate-2")
    assert shown is not None
    runner, port = await start(app, "127.0.0.1", 0, shown.context)
    try:
        yield f"https://127.0.0.1:{port}/", shown.fingerprint
    finally:
        await runner.cleanup()


def no_less_no_more(model: type[BaseModel], answer: Any) -> None:
    """Fail if `answer` has a field the model lacks, or lacks one."""
    read = model.model_validate(answer)
    written = json.loads(read.model_dump_json(by_alias=True))
    assert shape(written) == shape(answer)


def shape(value: Any) -> Any:
    """Keys and kinds of a JSON value; times may be spelt in several ways."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
