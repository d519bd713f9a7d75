"""The parts of a service that recognises people, and the loops that run them. Heavy to import: the page opens first."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any
from zoneinfo import ZoneInfo

from edge import __version__, heaps
from edge.app.build import Models, load_active_list
from edge.app.commission.page import PageWalk
from edge.app.examine.queue import ExamineQueue
from edge.app.health import checks
from edge.app.health.budget import follow_pace, last_step, set_strains
from edge.app.health.camera_news import CameraNews
from edge.app.health.drift import FaceDrift
from edge.app.health.evidence import SceneEvidence
from edge.app.health.lowering import Lowering, LoweringOrder
from edge.app.health.monitor import HealthMonitor, Inputs
from edge.app.packs.model_files import ModelFiles
from edge.app.people.worker import PeopleWorker
from edge.app.service import reload
from edge.app.service.areas import AreaKeeper
from edge.app.service.database_check import watch_for_damage, watch_for_losses
from edge.app.service.engines import EngineBuilder
from edge.app.service.figures import rendered
from edge.app.service.outbox import Outbox
from edge.app.service.pause import RecognitionSwitch
from edge.app.service.status import service_status
from edge.app.service.vision import VisionThread
from edge.capture.camera import Camera
from edge.config import Config
from edge.config.schedule import Schedules
from edge.errors import EdgeError
from edge.ops.system.camera_status import CameraStatusCollector
from edge.ops.system.metrics import Metrics
from edge.ops.system.systemd import SignsOfLife, feed_watchdog, notify_systemd
from edge.pipeline import Pipeline
from edge.records import SEEING_STATES
from edge.serve import LiveBoard, build_app
from edge.store import Store

log = logging.getLogger(__name__)

WATCHLIST_POLL_S = 1.0
HEALTH_POLL_S = 0.25
HEARTBEAT_S = 60.0
RETENTION_S = 300.0
GIVE_BACK_FIRST_S, GIVE_BACK_EVERY_S = 8.0, 20.0
"""When memory that starting, finding and keeping took for a moment goes back to the system: it costs 16 ms."""


class Parts:
    """The parts of the running service."""

    def __init__(
        self,
        config: Config,
        store: Store,
        models: Models,
        pipeline: Pipeline,
        board: LiveBoard,
        follow: Callable[[Parts], Coroutine[Any, Any, None]],
    ) -> None:
        self.config = config
        self.is_list_due = False
        self._follow_settings = follow
        self.store = store
        self.models = models
        self.metrics = Metrics()
        self.board = board
        self.cameras = [Camera(camera) for camera in config.camera]
        self.outbox = Outbox(
            store,
            on_hit_stored=lambda draft: self.metrics.hits.labels(draft.hit.camera).inc(),
            on_hit_gone=lambda draft: self.vision.note_gone(draft.hit),
        )
        self.camera_status = CameraStatusCollector(self.cameras, config.data_dir)
        self.vision = VisionThread(pipeline, self.cameras, self.board, self.outbox, self.metrics, self.camera_status)
        hours = {camera.name: camera.schedule for camera in config.camera}
        self.schedules = Schedules(hours, config.site.time_zone)
        self.vision.is_scheduled = lambda frame: self.schedules.is_on(frame.camera, frame.captured_at)
        zone = ZoneInfo(config.site.time_zone) if config.site.time_zone else None
        self.drift = self.vision.drift = FaceDrift(config.data_dir, list(hours), zone)
        self.camera_status.comparisons = lambda: self.drift.comparisons
        evidence = self.vision.evidence = SceneEvidence(self.cameras, models.stages.bystander_searcher)
        self.camera_news = CameraNews(self.outbox.add_item, evidence.pictures_of)
        self.lowering = LoweringOrder(last_step(config.detect))
        self.examiner = ExamineQueue(config)
        self.people = PeopleWorker(config, store, forget_examinations=self.examiner.forget_person)
        self.recognition = RecognitionSwitch(store, self.vision)
        self.commissioner = PageWalk(config, models, store, self.vision)
        promised = {entry.file: entry.sha256 for entry in models.pack.manifest.models}
        self.model_files = ModelFiles(models.pack.models_dir, promised)
        self.engines = EngineBuilder(models)
        self._stages, self._answers = models.stages, checks.AnswersCheck()
        self._identity = checks.identity(store.identity.settle())
        self.monitor = HealthMonitor(
            store, config.data_dir, config.store.min_free_bytes, self._monitor_inputs(), self.outbox
        )
        self.conditions = self.monitor.conditions
        self.started_at = dt.datetime.now(dt.UTC)

    def _monitor_inputs(self) -> Inputs:
        """What the health monitor measures."""
        return Inputs(
            cameras=lambda: [camera.health() for camera in self.cameras],
            newest=self.board.newest,
            frames_done=lambda: self.vision.frames_done,
            frames_dropped=lambda: sum(camera.dropped for camera in self.cameras),
            pause=self.store.pauses.current,
            is_scheduled=self.schedules.is_on,
            lowering=self.lowering.update,
            drift=self.drift.close_day,
            is_list_stale=lambda at: self.vision.pipeline.active_list.is_stale(at),
            publish=self.board.publish_conditions,
            consumer_warn_minutes=self.config.serve.consumer_warn_minutes,
            models=self._look_at_models,
            identity=lambda: self._identity,
        )

    def _look_at_models(self) -> tuple[str, str]:
        """The condition `models`: of their files, else of their answers, else of what runs them."""
        found = self.model_files.look()
        if found[0] == checks.OK:
            found = self._answers.check(self._stages.num_refused, time.monotonic())
        return self.engines.look() if found[0] == checks.OK else found

    def app(self) -> Any:
        """The web application over these parts."""
        return build_app(
            store=self.store,
            config=self.config.serve,
            review=self.config.review,
            site=self.config.site,
            statuses=self.config.status,
            live=self.board,
            metrics=lambda: rendered(self),
            health=lambda: service_status(self),
            version=__version__,
            people=self.people,
            examiner=self.examiner,
            recognition=self.recognition,
            walk=self.commissioner,
            areas=AreaKeeper(lambda: self.config, self.store, lambda new: reload.take_over(self, new)),
        )

    async def work(self, stopped: asyncio.Event, on_ready: Callable[[], Any]) -> None:
        """Run all loops until `stopped`; the first that breaks ends them all."""
        try:
            async with asyncio.TaskGroup() as group:
                seeing = group.create_task(asyncio.to_thread(self.vision.run))
                loops = [
                    self._follow_people(),
                    self._follow_settings(self),
                    self._follow_health(),
                    self.monitor.run(),
                    self.camera_status.run(),
                    self._enforce_retention(),
                    watch_for_damage(self.store),
                    watch_for_losses(self.store),
                    self.engines.run(),
                    self._send_heartbeats(),
                    _give_memory_back(),
                    self._feed_watchdog(),
                    self.examiner.run(),
                    self.recognition.run(),
                ]
                tasks = [group.create_task(loop) for loop in loops]
                notify_systemd("READY=1")
                on_ready()
                waiting = group.create_task(stopped.wait())
                await asyncio.wait([waiting, seeing], return_when=asyncio.FIRST_COMPLETED)
                self.vision.stop()
                for task in [*tasks, waiting]:
                    task.cancel()
        finally:
            self.vision.stop()
            await asyncio.to_thread(self.outbox.close)

    async def _follow_people(self) -> None:
        """Reload the watchlist when its version changes, also after changes by an `edge` command."""
        seen = await asyncio.to_thread(self.store.watchlist_version)
        listed = self.vision.pipeline.active_list.people.keys()
        await self.examiner.remove_unlisted(listed)
        while True:
            await asyncio.sleep(WATCHLIST_POLL_S)
            version = await asyncio.to_thread(self.store.watchlist_version)
            if version != seen or self.is_list_due:
                self.is_list_due = False
                active_list = await asyncio.to_thread(
                    load_active_list, self.store, self.models, self.config.watchlist.max_age_days
                )
                self.vision.pipeline.active_list = active_list
                if listed - active_list.people.keys():
                    await self.examiner.remove_unlisted(active_list.people.keys())
                seen, listed = version, active_list.people.keys()
                log.info("the watchlist is now version %d", version[0])

    async def _follow_health(self) -> None:
        """Publish camera states to the page, and send each change of state to the feed."""
        while True:
            states = [camera.health() for camera in self.cameras]
            self.board.publish_health(states)
            set_strains(self.vision.pipeline.budget, self.monitor.conditions.state)
            follow_pace(self.vision.pipeline, self.config.detect, self.lowering.step)
            self.vision.may_lighten = self.lowering.step < Lowering.VIEW
            for health in states:
                self.metrics.note_health(health)
            self.camera_news.tell(states, time.monotonic())
            await asyncio.sleep(HEALTH_POLL_S)

    async def _enforce_retention(self) -> None:
        while True:
            keep = self.config.store
            done = self.store.enforce_retention(
                max_age_days=keep.max_age_days,
                max_image_bytes=keep.max_image_bytes,
                min_free_bytes=keep.min_free_bytes,
                now=dt.datetime.now(dt.UTC),
            )
            try:
                await asyncio.wrap_future(done)
                # What readers kept an erasure from wiping stays due.
                await asyncio.to_thread(self.store.resume_erasures)
            except EdgeError as error:
                log.error("retention failed: %s", error)
            await asyncio.sleep(RETENTION_S)

    async def _send_heartbeats(self) -> None:
        while True:
            head = self.store.audit_head()
            # Pullers keep the audit head, so truncation of the audit on this device shows.
            audit = None if head is None else {"seq": head.seq, "sha256": head.sha256}
            body = {"box_id": self.config.box_id or self.store.box_id, "frames": self.vision.frames_done}
            # Not retried: a late heartbeat would claim that the service ran at a time when it may not have.
            self.monitor.log_failure_of(self.store.add_item("heartbeat", body | {"audit": audit}), "a heartbeat")
            await asyncio.sleep(HEARTBEAT_S)

    async def _feed_watchdog(self) -> None:
        def look() -> SignsOfLife:
            is_any_live = any(camera.health().state in SEEING_STATES for camera in self.cameras)
            return SignsOfLife(self.vision.frames_done, self.vision.turns, is_any_live)

        await feed_watchdog(look)


async def _give_memory_back() -> None:
    await asyncio.sleep(GIVE_BACK_FIRST_S)
    while True:
        await asyncio.to_thread(heaps.give_back)
        await asyncio.sleep(GIVE_BACK_EVERY_S)
