"""Frames per second with and without a crowd of pullers, in turns, and how long a commit takes to reach them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import socket
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import aiohttp

from tests.boxes import Box
from tools.load import site
from tools.load.polls import cpu_s
from tools.soak import metric

SIP_BYTES, SIP_EVERY_S = 512, 0.5
"""How slow readers drink: a kilobyte a second, of answers of about a megabyte."""
WARM_FRAMES = 50


@dataclass
class Seen:
    """What the crowd saw."""

    delays_ms: list[float] = field(default_factory=list)
    polls: int = 0
    errors: int = 0
    dropped: int = 0


@dataclass(frozen=True)
class Stretch:
    """Some seconds of service: frames per second, and the share of a core that its web side took."""

    fps: float
    web_share: float


async def measure(seconds: float, rounds: int, polls: int, readers: int, realtime: bool) -> dict[str, Any]:
    """Start a box, let the crowd come and go, and compare."""
    with site.running(realtime=realtime) as (box, token, pid):
        headers = {"Authorization": f"Bearer {token}"}
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(box.url, headers=headers, connector=connector) as http:
            await _warm(http)
            seen = Seen()
            alone: list[Stretch] = []
            crowded: list[Stretch] = []
            for _ in range(rounds):
                alone.append(await _stretch(http, pid, seconds))
                async with _crowd(box, http, token, polls, readers, seen):
                    crowded.append(await _stretch(http, pid, seconds))
            alone.append(await _stretch(http, pid, seconds))
    # Each crowded stretch against the two around it: a drift of the machine is no effect of the crowd.
    changes = [100 * (one.fps / ((alone[at].fps + alone[at + 1].fps) / 2) - 1) for at, one in enumerate(crowded)]
    delays = sorted(seen.delays_ms)
    return {
        "frames_per_s_alone": round(median(one.fps for one in alone), 2),
        "frames_per_s_with_crowd": round(median(one.fps for one in crowded), 2),
        "change_percent": round(median(changes), 2),
        "changes_percent": [round(change, 1) for change in changes],
        "web_thread_core_percent": {
            "alone": round(100 * median(one.web_share for one in alone), 1),
            "with_crowd": round(100 * median(one.web_share for one in crowded), 1),
        },
        "commit_to_answer_ms": {
            "p50": round(delays[len(delays) // 2], 1) if delays else None,
            "p95": round(delays[int(len(delays) * 0.95)], 1) if delays else None,
            "answers": len(delays),
        },
        "polls": seen.polls,
        "errors": seen.errors,
        "slow_readers_dropped": seen.dropped,
    }


async def _warm(http: aiohttp.ClientSession) -> None:
    """Wait until frames pass."""
    while True:
        if await _frames(http) >= WARM_FRAMES:
            return
        await asyncio.sleep(0.2)


async def _frames(http: aiohttp.ClientSession) -> float:
    async with http.get("/metrics") as answer:
        return metric(await answer.text(), "edge_frames_total")


async def _stretch(http: aiohttp.ClientSession, pid: int, seconds: float) -> Stretch:
    loop = asyncio.get_running_loop()
    began, before, cpu = loop.time(), await _frames(http), cpu_s(pid, thread=pid)
    await asyncio.sleep(seconds)
    frames, spent, took_s = await _frames(http) - before, cpu_s(pid, thread=pid) - cpu, loop.time() - began
    return Stretch(frames / took_s, spent / took_s)


@contextlib.asynccontextmanager
async def _crowd(box: Box, http: aiohttp.ClientSession, token: str, polls: int, readers: int, seen: Seen) -> Any:
    async with http.get("/api/v1/alerts?limit=1") as answer:
        head = (await answer.json())["head"]
    pollers = [_poll(box.port, token, head, seen) for _ in range(polls)]
    tasks = [asyncio.create_task(one) for one in [*pollers, *(_sip(box.port, token, seen) for _ in range(readers))]]
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


async def _sip(port: int, token: str, seen: Seen) -> None:
    """Ask for large answers and hardly take them; come again when dropped."""
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
                    taken = bool(await loop.sock_recv(sock, SIP_BYTES))
                    await asyncio.sleep(SIP_EVERY_S)
            seen.dropped += 1
        await asyncio.sleep(SIP_EVERY_S)
