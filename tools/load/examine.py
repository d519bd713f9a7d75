"""Frames per second with and without a video being examined, in turns, and how fast that is examined meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from collections.abc import AsyncIterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import aiohttp

from edge.app.evaluation.bench import two_faces
from edge.app.selfcheck import demo_clip
from edge.capture.recorder import write_video
from tools.load import appliance
from tools.load.rates import alternate

PASSWORD = "a password for load"
BEGIN_WITHIN_S = 120.0
"""The worker starts with what the cameras leave: loading its models can take long."""
_FRAMES = re.compile(r"([\d,]+) frames")


async def measure(seconds: float, rounds: int, frames: int, realtime: bool) -> dict[str, Any]:
    """Start a box, hand over a video again and again, and compare."""
    with (
        tempfile.TemporaryDirectory(prefix="edge-load-") as name,
        appliance.running(realtime=realtime) as (box, token, pid),
    ):
        video = Path(name) / "long.avi"
        once = [two_faces(frame) for frame in demo_clip.frames(seconds=appliance.CLIP_S)]
        await asyncio.to_thread(write_video, video, islice(cycle(once), frames), demo_clip.FPS)
        box.edge("user", "add", "load", "--role", "supervisor", "--password-stdin", stdin=PASSWORD + "\n")
        jar = aiohttp.CookieJar(unsafe=True)  # the box is told by its number here
        async with (
            aiohttp.ClientSession(box.url, headers={"Authorization": f"Bearer {token}"}) as http,
            aiohttp.ClientSession(box.url, headers={"Origin": box.url}, cookie_jar=jar) as guard,
        ):
            async with guard.post("/login", data={"user": "load", "password": PASSWORD}) as answer:
                answer.raise_for_status()
            examined: list[float] = []
            rates = await alternate(http, pid, seconds, rounds, lambda: _examined(guard, video, examined))
    return {**rates.as_json("while_examining"), "examined_frames_per_s": [round(rate, 1) for rate in examined]}


@contextlib.asynccontextmanager
async def _examined(guard: aiohttp.ClientSession, video: Path, rates: list[float]) -> AsyncIterator[None]:
    """The video at work from its first frame on; it must not be over before the block is."""
    loop = asyncio.get_running_loop()
    with video.open("rb") as file:
        async with guard.post("/examine", data={"file": file}, allow_redirects=False) as answer:
            address = answer.headers["Location"]
    until = loop.time() + BEGIN_WITHIN_S
    while (before := await _done(guard, address)) == 0:
        if loop.time() > until:
            raise SystemExit("the worker examines nothing: the cameras leave it no time at all")
        await asyncio.sleep(0.2)
    began = loop.time()
    yield
    rates.append((await _done(guard, address) - before) / (loop.time() - began))
    async with guard.post(f"{address}/remove", data={"why": "measured"}) as answer:
        answer.raise_for_status()


async def _done(guard: aiohttp.ClientSession, address: str) -> int:
    """Frames examined so far."""
    async with guard.get(f"{address}/progress") as answer:
        page = await answer.text()
    if 'data-working="yes"' not in page:
        raise SystemExit("the video was over too soon: ask for more --frames")
    found = _FRAMES.search(page)
    return int(found[1].replace(",", "")) if found else 0
