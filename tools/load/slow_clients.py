"""How soon slow clients are cut off, and whether others are served meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tools.load.polls import server

GIVE_UP_S = 40.0
EVERY_S = 0.5

HEAD = b"Host: x\r\n"
FORM = (
    b"POST /claim HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 900\r\n\r\n"
)
JSON = (
    b"PUT /api/v1/watchlist HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nIf-Match: *\r\n"
    b"Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
)


@dataclass
class Others:
    """How a well-behaved puller fared."""

    served_ms: list[float] = field(default_factory=list)
    failed: int = 0


async def measure() -> dict[str, Any]:
    """Seconds until each kind of slow client is cut off, and how a well-behaved puller fared meanwhile."""
    with server("box", min(os.sched_getaffinity(0))) as (_, (port, token, _)):
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as http:
            kinds = {
                "silence": (b"", b""),
                "headers": (b"GET /api/v1/alerts HTTP/1.1\r\n" + HEAD, b"X"),
                "form": (FORM, b"a"),
                "json": (JSON % token.encode(), b" "),
            }
            others = Others()
            served = asyncio.create_task(_be_served(http, others))
            found = await asyncio.gather(*(_drip(int(port), *kind) for kind in kinds.values()))
            served.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await served
    times = sorted(others.served_ms)
    return {
        "cut_after_s": dict(zip(kinds, found, strict=True)),
        "others": {
            "answers": len(times),
            "failed": others.failed,
            "p95_ms": round(times[int(len(times) * 0.95)], 1) if times else None,
        },
    }


async def _be_served(http: aiohttp.ClientSession, others: Others) -> None:
    while True:
        began = time.monotonic()
        async with http.get("/api/v1/alerts?limit=20") as answer:
            await answer.read()
            if answer.status == 200:
                others.served_ms.append((time.monotonic() - began) * 1000)
            else:
                others.failed += 1
        await asyncio.sleep(0.1)


async def _drip(port: int, first: bytes, then: bytes) -> float | None:
    """Send `first`, then a byte again and again; seconds until the box ends it, None if it never does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(first)
    ended = asyncio.create_task(_ended(reader))
    while not ended.done() and time.monotonic() - began < GIVE_UP_S:
        with contextlib.suppress(ConnectionError):
            writer.write(then)
            await writer.drain()
        await asyncio.wait([ended], timeout=EVERY_S)
    took_s = round(time.monotonic() - began, 1) if ended.done() else None
    ended.cancel()
    writer.close()
    return took_s


async def _ended(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        while await reader.read(4096):
            pass
