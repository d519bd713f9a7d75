"""A web side with a real examiner."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from edge.app.examine.queue import ExamineQueue
from edge.config import Config, ExamineConfig
from edge.serve.ports import EXAMINER
from tests.support.web import WebSide, running


class Bench:
    """A web side with a real examiner on the data directory of its store."""

    def __init__(self, box: WebSide, examiner: ExamineQueue) -> None:
        self.box = box
        self.examiner = examiner

    async def hand_over(
        self, name: str, data: bytes, *, role: str = "guard", path: str = "/examine"
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("file", data, filename=name)
        headers = self.box.session(role) | {"Origin": self.box.url, "Accept": "text/html"}
        async with self.box.http.post(self.box.url + path, data=form, headers=headers, allow_redirects=False) as answer:
            return answer, await answer.read()

    async def finished(self, address: str) -> str:
        """The page of an examination that is over."""
        for _ in range(1400):  # 280 s: it is examined at the lowest priority
            _, body = await self.box.get(address, self.box.session("guard"))
            if b'data-working="no"' in body:
                return body.decode()
            await asyncio.sleep(0.2)
        raise AssertionError("the examination did not end")

    async def worker_pid(self, other_than: int = 0) -> int:
        """Process id of the worker, once there is one."""
        for _ in range(400):
            worker = self.examiner._worker
            if worker is not None and worker.pid != other_than:
                return worker.pid
            await asyncio.sleep(0.05)
        raise AssertionError("no worker was started")

    def read(self, job_id: str, name: str) -> list[str]:
        """Lines of a file of results."""
        return (self.examiner.inbox.parent / job_id / "out" / name).read_text("utf-8").splitlines()

    def left(self) -> list[str]:
        """Files on the disk."""
        root = self.examiner.inbox.parent
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@contextlib.asynccontextmanager
async def bench(folder: Path, **settings: Any) -> AsyncIterator[Bench]:
    config = Config(data_dir=folder / "data", examine=ExamineConfig(**settings))
    async with running(folder, examiner=lambda store: ExamineQueue(config)) as box:
        examiner = box.runner.app[EXAMINER]
        assert isinstance(examiner, ExamineQueue)
        working = asyncio.create_task(examiner.run())
        try:
            yield Bench(box, examiner)
        finally:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working
