"""The two servers that `polls` compares, each a process: `python -m tools.load.servers box|trivial`.

Both print a line once they answer (port, token, cursor) and serve until they are told to end.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from aiohttp import web

from edge.store import Store
from tests.support.serve.central import serve
from tests.support.store import ANN, add_hits, enrol

ETAG = '"no-news"'


async def trivial() -> None:
    """The least an aiohttp server can do: one route, one 304."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=304, headers={"ETag": ETAG})

    app = web.Application()
    app.router.add_get("/api/v1/alerts", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], "-", "-", flush=True)
    await asyncio.Event().wait()


async def box(folder: Path) -> None:
    """The box's own web side over a store with some hits."""
    with Store.open(folder) as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(1, 6))
        token = store.add_token("load", ["alerts:read", "watchlist:write"]).result(10)
        _, port = await serve(store, 0)
        print(port, token, store.head_cursor(), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the folder goes, too
    with tempfile.TemporaryDirectory(prefix="edge-load-") as name:
        asyncio.run(trivial() if sys.argv[1] == "trivial" else box(Path(name)))
