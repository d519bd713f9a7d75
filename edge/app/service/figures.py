"""The figures of a running service, as /metrics gives them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

from edge.app.health.budget import count_dropped_steps
from edge.app.health.lowering import LoweringOrder
from edge.app.service.outbox import Outbox
from edge.app.service.vision import VisionThread
from edge.capture.camera import Camera
from edge.ops.system.metrics import Metrics
from edge.store import Store


class Parts(Protocol):
    """Where the figures come from."""

    @property
    def cameras(self) -> Sequence[Camera]: ...
    @property
    def store(self) -> Store: ...
    @property
    def vision(self) -> VisionThread: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def lowering(self) -> LoweringOrder: ...


def rendered(parts: Parts) -> bytes:
    """All figures in Prometheus' text format."""
    metrics, store = parts.metrics, parts.store
    for camera in parts.cameras:
        metrics.dropped.labels(camera.config.name, "late").set(camera.dropped)
        metrics.dropped.labels(camera.config.name, "damaged").set(camera.bad_frames)
    for what, value in store.stats().items():
        metrics.store.labels(what).set(value)
    now = dt.datetime.now(dt.UTC)
    for consumer in store.consumers():
        metrics.consumer_lag.labels(consumer.name).set(consumer.lag)
        if consumer.last_pull_at is not None:
            metrics.consumer_age.labels(consumer.name).set((now - consumer.last_pull_at).total_seconds())
    metrics.store.labels("hits_waiting").set(parts.outbox.num_waiting_hits)
    metrics.people.set(len(parts.vision.pipeline.active_list.people))
    metrics.lowering.set(parts.lowering.step)
    count_dropped_steps(parts.vision.pipeline.budget, metrics)
    return metrics.render()
