"""Frames per second of a running box, in turns alone and beside a load that the caller brings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from statistics import median
from typing import Any

import aiohttp

from tools.start import cpu_s

WARM_FRAMES = 50


def metric(text: str, name: str) -> float:
    """Sum of a metric over its labels."""
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


@dataclass(frozen=True)
class Stretch:
    """Some seconds of service: frames per second, and the share of a core that its web side took."""

    fps: float
    web_share: float


@dataclass(frozen=True)
class Rates:
    """Stretches in turns, the first and the last of them alone."""

    alone: list[Stretch]
    beside: list[Stretch]

    def as_json(self, name: str) -> dict[str, Any]:
        """JSON-ready. Each stretch against the two around it: a drift of the machine is no effect of what is beside."""
        around = zip(self.alone, self.alone[1:], strict=False)
        changes = [
            100 * (one.fps / ((before.fps + after.fps) / 2) - 1)
            for one, (before, after) in zip(self.beside, around, strict=True)
        ]
        return {
            "frames_per_s_alone": round(median(one.fps for one in self.alone), 2),
            f"frames_per_s_{name}": round(median(one.fps for one in self.beside), 2),
            "change_percent": round(median(changes), 2),
            "changes_percent": [round(change, 1) for change in changes],
            "web_thread_core_percent": {
                "alone": round(100 * median(one.web_share for one in self.alone), 1),
                name: round(100 * median(one.web_share for one in self.beside), 1),
            },
        }


async def alternate(
    http: aiohttp.ClientSession,
    pid: int,
    seconds: float,
    rounds: int,
    beside: Callable[[], AbstractAsyncContextManager[Any]],
) -> Rates:
    """Measure stretches with and without `beside` in turns, once frames pass."""
    while True:
        if await _frames(http) >= WARM_FRAMES:
            break
        await asyncio.sleep(0.2)
    rates = Rates([], [])
    for _ in range(rounds):
        rates.alone.append(await _stretch(http, pid, seconds))
        async with beside():
            rates.beside.append(await _stretch(http, pid, seconds))
    rates.alone.append(await _stretch(http, pid, seconds))
    return rates


async def _frames(http: aiohttp.ClientSession) -> float:
    async with http.get("/metrics") as answer:
        return metric(await answer.text(), "edge_frames_total")


async def _stretch(http: aiohttp.ClientSession, pid: int, seconds: float) -> Stretch:
    loop = asyncio.get_running_loop()
    began, before, cpu = loop.time(), await _frames(http), cpu_s(pid, thread=pid)
    await asyncio.sleep(seconds)
    frames, spent, took_s = await _frames(http) - before, cpu_s(pid, thread=pid) - cpu, loop.time() - began
    return Stretch(frames / took_s, spent / took_s)
