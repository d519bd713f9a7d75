"""Builds the engines that TensorRT lacks behind the running service; a model changes over once its engine is right."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future

from edge.app.build import Models
from edge.app.health import checks
from edge.errors import ModelError
from edge.sessions.engines import Replaceable

log = logging.getLogger(__name__)


class EngineBuilder:
    """`run` belongs to the loop; `look` may be asked from any thread."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._engines = models.pack.engines
        self._problem: str | None = None

    def look(self) -> tuple[str, str]:
        """State and sentence of the condition `models`: `slower` where an engine can't be built."""
        return ("slower", self._problem) if self._problem else (checks.OK, "every model runs where it was to run")

    async def run(self) -> None:
        """Build one after the other until none is left; what can't be built stays on the CPU, and says so."""
        while self._engines is not None and self._engines.pending:
            waiting = self._engines.pending[0]
            name = waiting.name
            log.info("building the engine of %s; until then it runs on %s", name, waiting.session.provider)
            try:
                waiting.session.take_over(await _beside(waiting.build))
            except ModelError as error:
                self._problem = f"{name} stays on {waiting.session.provider}: {error}"
                log.error("the engine of %s can't be built: %s", name, error)
            else:
                log.info("%s now runs on %s: %s", name, waiting.session.provider, waiting.session.choice)
            self._engines.pending.pop(0)
            stages = self._models.stages
            self._models.descriptions.update(detect=stages.detector.describe(), embed=stages.embedder.describe())


async def _beside(build: Callable[[], Replaceable]) -> Replaceable:
    """What `build` makes, on a thread for which the end of the service doesn't wait: it may take minutes."""
    result: Future[Replaceable] = Future()
    result.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result.set_result(build())
        except BaseException as error:  # noqa: BLE001 - whoever awaits it gets it
            result.set_exception(error)

    threading.Thread(target=run, name="build-engine", daemon=True).start()
    return await asyncio.wrap_future(result)
