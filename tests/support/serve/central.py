"""A small device for tests of central servers: a real store and web side that makes hits until it is killed.

Run as `python -m tests.support.serve.central DATA_DIR PORT`: prints `ready`, then `seq hit_id` of every item that was
acknowledged.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.app.people.worker import PeopleWorker
from edge.config import Config, ServeConfig
from edge.records import CameraHealth, CameraState
from edge.serve import LiveBoard, build_app, start
from edge.serve.ports import PeopleService
from edge.store import Store, Watching
from tests.support.store import ANN, NOW, enrol, hit_of


async def serve(store: Store, port: int, people: PeopleService | None = None) -> tuple[Any, int]:
    """The web side over `store`, and its port."""
    live = LiveBoard()
    live.publish_health([CameraHealth("door", CameraState.LIVE, NOW, "frames arrive", 1, 0)])

    def health() -> Mapping[str, Any]:
        return {"box_id": store.box_id, "frames": 1, "people": 1, "store_problem": None, "started_at": NOW}

    app = build_app(
        store=store,
        config=ServeConfig(),
        live=live,
        metrics=lambda: b"",
        health=health,  # type: ignore[arg-type]
        version="1.0.0",
        people=people or PeopleWorker(Config(), store, None),
    )
    return await start(app, "127.0.0.1", port)


@contextmanager
def served(*stores: Store, can_enrol: bool = False) -> Iterator[list[str]]:
    """Addresses of the web sides of `stores`, on a loop of their own thread; with `can_enrol` they have models."""
    workers = [PeopleWorker(Config(), store) for store in stores if can_enrol]
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    started = [
        asyncio.run_coroutine_threadsafe(serve(store, 0, worker), loop).result(20)
        for store, worker in itertools.zip_longest(stores, workers)
    ]
    try:
        yield [f"http://127.0.0.1:{port}" for _, port in started]
    finally:
        for runner, _ in started:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
        for worker in workers:
            worker.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def work(store: Store) -> None:
    """Hits, updates and heartbeats, each printed once it is committed."""
    number = 0
    while True:
        number += 1
        hit_id = f"{store.head_seq():08d}-{uuid.uuid4().hex}"
        futures = [store.add_hit(*hit_of(ANN, number, hit_id=hit_id))]
        if number % 3 == 0:
            futures.append(store.update_hit(*hit_of(ANN, number + 1000, hit_id=hit_id)))
        if number % 5 == 0:
            futures.append(store.add_item("heartbeat", {"box_id": store.box_id, "frames": number}))
        if number % 20 == 0:
            store.coverage.note([Watching("door", "watched")])
        for future in futures:
            item = future.result(20)
            print(item.seq, item.body.get("hit_id", "-"), flush=True)


async def main(data_dir: Path, port: int) -> None:
    """Serve until killed."""
    store = Store.open(data_dir)
    if store.person(ANN.person_id) is None:
        enrol(store, ANN)
    store.coverage.begin().result(10)
    await serve(store, port)
    print("ready", flush=True)
    await asyncio.to_thread(work, store)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
