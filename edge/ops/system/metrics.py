"""Counters and gauges in Prometheus' text format. One registry per service, so that tests can have several."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from edge.records import CameraHealth, CameraState, Reason

_STAGE_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 1.0)


class Metrics:
    """Everything one service counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.frames = Counter("edge_frames", "Frames that passed all stages.", ["camera"], registry=r)
        self.searched = Counter("edge_frames_searched", "Frames searched for faces.", ["camera"], registry=r)
        self.dropped = Gauge(
            "edge_frames_dropped", "Frames not processed, by reason.", ["camera", "reason"], registry=r
        )
        self.faces = Counter("edge_faces", "Faces detected or followed.", ["camera"], registry=r)
        self.tracks = Counter("edge_tracks", "Tracks ended, by outcome.", ["camera", "outcome"], registry=r)
        self.hits = Counter("edge_hits", "Hits created.", ["camera"], registry=r)
        self.frame_seconds = Histogram(
            "edge_frame_seconds",
            "Seconds from taking a frame to its end.",
            ["camera"],
            registry=r,
            buckets=_STAGE_BUCKETS,
        )
        self.camera_state = Gauge(
            "edge_camera_state", "1 for the state the camera is in.", ["camera", "state"], registry=r
        )
        self.camera_restarts = Gauge("edge_camera_restarts", "Restarts of the capture process.", ["camera"], registry=r)
        self.store = Gauge("edge_store", "What the database holds and waits for.", ["what"], registry=r)
        self.consumer_lag = Gauge("edge_consumer_lag", "Feed items a puller has not got yet.", ["consumer"], registry=r)
        self.consumer_age = Gauge(
            "edge_consumer_last_pull_seconds", "Seconds since a puller's last call.", ["consumer"], registry=r
        )
        self.steps_dropped = Gauge(
            "edge_enhance_steps_dropped", "Enhancement steps left out to save time.", ["step", "cause"], registry=r
        )
        self.lowering = Gauge(
            "edge_lowering_step",
            "What is given up while hot or behind: 0 nothing, 1 view, 2 searches of still scenes, 3 searches.",
            registry=r,
        )
        self.people = Gauge("edge_watchlist_people", "People looked for.", registry=r)
        self._of_frames: dict[str, tuple[Any, ...]] = {}

    def note_frame(self, camera: str, seconds: float, *, is_searched: bool, num_faces: int) -> None:
        """Count a frame that is done; `seconds` since it was taken."""
        counters = self._of_frames.get(camera)
        if counters is None:  # looking up a label takes longer than counting
            kinds = self.frames, self.searched, self.faces, self.frame_seconds
            counters = self._of_frames[camera] = tuple(kind.labels(camera) for kind in kinds)
        frames, searched, faces, frame_seconds = counters
        frames.inc()
        searched.inc(is_searched)
        faces.inc(num_faces)
        frame_seconds.observe(seconds)

    def note_track_end(self, camera: str, reason: Reason | None) -> None:
        """Count one ended track under its one outcome."""
        self.tracks.labels(camera, reason.value if reason else "match").inc()

    def note_health(self, health: CameraHealth) -> None:
        """Show the state a camera is in."""
        for state in CameraState:
            self.camera_state.labels(health.camera, state.value).set(1 if state is health.state else 0)
        self.camera_restarts.labels(health.camera).set(health.restarts)

    def render(self) -> bytes:
        """Return the exposition text."""
        return generate_latest(self.registry)
