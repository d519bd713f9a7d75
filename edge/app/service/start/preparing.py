"""The page while the rest of the service is made ready behind it: the program, models, kernels, the list of people.

Light to import, so that the page opens at once. What is heavy is imported on a thread, and models are loaded and tested
while kernels are compiled. Page, health and log say what is still being done.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from edge import __version__, heaps
from edge.app.health.conditions import Conditions
from edge.app.service.start import kept_kernels
from edge.app.service.start.listener import Page
from edge.app.service.status import basic_status
from edge.config import Config
from edge.errors import NotReadyError
from edge.records import CameraHealth, CameraState
from edge.serve import LiveBoard, build_app
from edge.store import Store

if TYPE_CHECKING:
    from edge.app.build import Models
    from edge.enhance import KernelLoader
    from edge.pipeline import Pipeline

log = logging.getLogger(__name__)

WORDS = {
    "program": "loading the program",
    "models": "loading and testing the models",
    "kernels": "compiling kernels",
    "list": "reading the list of people",
}
"""Each step in words for the log and for health; the page has its own in each language."""
COUNT_EVERY_S = 1.0
LOG_EVERY_S = 5.0


@dataclass(slots=True)
class Step:
    """One thing that is being done. Where it can be counted, `total` is more than 0."""

    name: str
    done: int = 0
    total: int = 0

    def __str__(self) -> str:
        return WORDS[self.name] + (f", {self.done} of {self.total}" if self.total else "")


class NobodyYet:
    """`edge.serve.ports.PeopleService` of a box that is not ready: every change is refused, with the reason."""

    async def enrol(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse."""
        raise NotReadyError("the box is still being prepared and can't change the list yet; try again in a minute")

    replace_list = forget = enrol


class PreparingPage:
    """Makes the models and the pipeline, and tells the page how far that is."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config, self._store = config, store
        self._at = dt.datetime.now(dt.UTC)
        self._steps: dict[str, Step] = {"program": Step("program")}
        self._conditions = Conditions(lambda kind, body: None, lambda conditions: None)
        self.board = LiveBoard()
        """The service's own: whoever watches while it is prepared goes on watching."""
        self.board.publish_health(
            [CameraHealth(one.name, CameraState.STARTING, self._at, "being prepared", 0, 0) for one in config.camera]
        )

    def app(self) -> Any:
        """The web application over store and board alone."""
        return build_app(
            store=self._store,
            config=self._config.serve,
            review=self._config.review,
            site=self._config.site,
            statuses=self._config.status,
            live=self.board,
            metrics=lambda: b"",
            health=self.status,
            version=__version__,
            people=NobodyYet(),
        )

    def status(self) -> dict[str, Any]:
        """The health object: `preparing` lists what is still being done."""
        told = basic_status(self._config, self._store, self._conditions, self._at)
        steps = list(self._steps.values())
        return told | {
            "preparing": [{"step": s.name, "words": WORDS[s.name], "done": s.done, "total": s.total} for s in steps]
        }

    async def prepare(self, page: Page, stopped: asyncio.Event, kind: str) -> tuple[Models, Pipeline]:
        """Make everything ready; raises ModelError as `load_or_serve_page` does."""
        await self._do("program", _import_all)
        from edge.app.build import build_live_pipeline
        from edge.app.service.start.models_missing import load_or_serve_page
        from edge.enhance import KernelLoader, warm_up

        loader = KernelLoader(warm_up)
        kernels = asyncio.create_task(self._compile(loader))
        try:
            self._begin("models")
            models = await load_or_serve_page(self._config, self._store, stopped, page)
            self._end("models")
            models.stages.enhancer.kernels = loader
            pipeline = await self._do("list", lambda: build_live_pipeline(self._config, models, self._store, kind=kind))
            await kernels
            await asyncio.to_thread(heaps.give_back)
        finally:
            kernels.cancel()
        log.info("prepared in %.1f s", (dt.datetime.now(dt.UTC) - self._at).total_seconds())
        return models, pipeline

    async def _compile(self, loader: KernelLoader) -> None:
        """Compile the kernels where the cache lacks any, and count them meanwhile; else they are loaded when needed."""
        if await asyncio.to_thread(kept_kernels.are_kept, self._config.data_dir):
            return
        step = self._begin("kernels")
        work = asyncio.create_task(asyncio.to_thread(_compile_kernels))
        told_s = time.monotonic()
        while not (await asyncio.wait([work], timeout=COUNT_EVERY_S))[0]:
            step.done, step.total = await asyncio.to_thread(_count_kernels)
            if time.monotonic() - told_s >= LOG_EVERY_S:
                told_s = time.monotonic()
                log.info("preparing: %s", "; ".join(str(one) for one in self._steps.values()))
        await work
        loader.note_loaded()
        await asyncio.to_thread(kept_kernels.note_kept, self._config.data_dir)
        self._end("kernels")

    async def _do(self, name: str, work: Callable[[], Any]) -> Any:
        self._begin(name)
        done = await asyncio.to_thread(work)
        self._end(name)
        return done

    def _begin(self, name: str) -> Step:
        self._steps[name] = step = Step(name)
        log.info("preparing: %s", step)
        return step

    def _end(self, name: str) -> None:
        self._steps.pop(name, None)


def _import_all() -> None:
    """Import what is heavy, so that no import holds up the page later."""
    from edge.app.service import parts, reload  # noqa: F401


def _compile_kernels() -> None:
    from edge.enhance import warm_up

    warm_up()


def _count_kernels() -> tuple[int, int]:
    """(compiled, all): kernels whose machine code is kept."""
    from edge.pixels.kernel_cache import kernel_cache

    cache = kernel_cache()
    return cache.num_kernels - len(cache.cold), cache.num_kernels
