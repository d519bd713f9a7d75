"""Frames per second with and without a crowd of pullers, in turns, and how long a commit takes to reach them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import socket
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.support.appliance import Appliance
from tools.load import appliance
from tools.load.rates import alternate

SLOW_READ_BYTES, SLOW_READ_EVERY_S = 512, 0.5
"""Slow readers take a kilobyte a second of answers of about a megabyte."""


@dataclass
class Seen:
    """What the crowd saw."""

    delays_ms: list[float] = field(default_factory=list)
    polls: int = 0
    errors: int = 0
    dropped: int = 0


async def measure(seconds: float, rounds: int, polls: int, readers: int, realtime: bool) -> dict[str, Any]:
    """Start a box, let the crowd come and go, and compare."""
    with appliance.running(realtime=realtime) as (box, token, pid):
        headers = {"Authorization": f"Bearer {token}"}
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(box.url, headers=headers, connector=connector) as http:
            seen = Seen()
            rates = await alternate(http, pid, seconds, rounds, lambda: _crowd(box, http, token, polls, readers, seen))
    delays = sorted(seen.delays_ms)
    return {
        **rates.as_json("with_crowd"),
        "commit_to_answer_ms": {
            "p50": round(delays[len(delays) // 2], 1) if delays else None,
            "p95": round(delays[int(len(delays) * 0.95)], 1) if delays else None,
            "answers": len(delays),
        },
        "polls": seen.polls,
        "errors": seen.errors,
        "slow_readers_dropped": seen.dropped,
    }


@contextlib.asynccontextmanager
async def _crowd(box: Appliance, http: aiohttp.ClientSession, token: str, polls: int, readers: int, seen: Seen) -> Any:
    async with http.get("/api/v1/alerts?limit=1") as answer:
        head = (await answer.json())["head"]
    pollers = [_poll(box.port, token, head, seen) for _ in range(polls)]
    tasks = [
        asyncio.create_task(one) for one in [*pollers, *(_read_slowly(box.port, token, seen) for _ in range(readers))]
    ]
    await asyncio.sleep(0.5)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _poll(port: int, token: str, cursor: str, seen: Seen) -> None:
    """Long polls one after the other; each new item's age when it arrives, from just before its commit.

    As little of a client as will do: it shares the machine with what it measures.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            address = f"/api/v1/alerts?after={cursor}&wait=30"
            writer.write(f"GET {address} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            now = dt.datetime.now(dt.UTC)
            seen.polls += 1
            if not head.startswith(b"HTTP/1.1 200"):
                seen.errors += 1
                await asyncio.sleep(0.5)
                continue
            page = json.loads(body)
            cursor = page["next"]
            if page["items"]:
                newest = dt.datetime.fromisoformat(page["items"][-1]["at"])
                seen.delays_ms.append((now - newest).total_seconds() * 1000)
    except (OSError, EOFError):
        seen.errors += 1
    finally:
        writer.close()


async def _read_slowly(port: int, token: str, seen: Seen) -> None:
    """Ask for large answers and read them slowly; connect again when dropped."""
    loop = asyncio.get_running_loop()
    asked = f"GET /api/v1/alerts?limit=500 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    while True:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.setblocking(False)
            with contextlib.suppress(ConnectionError):
                await loop.sock_connect(sock, ("127.0.0.1", port))
                await loop.sock_sendall(sock, asked * 4)
                taken = True
                while taken:
                    taken = bool(await loop.sock_recv(sock, SLOW_READ_BYTES))
                    await asyncio.sleep(SLOW_READ_EVERY_S)
            seen.dropped += 1
        await asyncio.sleep(SLOW_READ_EVERY_S)
