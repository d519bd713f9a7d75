"""Two ways from a file to answers, a frame at a time: the whole of ours, and the public chain."""

from __future__ import annotations

import contextlib
import datetime as dt
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.app.build import Models, load_active_list
from edge.app.people.people import enrol
from edge.app.service.outbox import Outbox
from edge.app.service.vision import VisionThread
from edge.capture.condition.freeze import FreezeDetector
from edge.capture.ring import RingReader, RingWriter
from edge.capture.sources import open_path
from edge.config import Config, RuntimeConfig
from edge.detect import decode
from edge.enhance import Budget
from edge.ops.system.metrics import Metrics
from edge.pipeline import DeviceFacts, Pipeline
from edge.pipeline.pace import Pace
from edge.pixels.faces.boxes import nms
from edge.pixels.faces.geometry import align, letterbox
from edge.recognise import open_peer_embedder
from edge.records import Frame, Person
from edge.serve.board import LiveBoard
from edge.sessions import load_file
from edge.store import Store
from edge.watchlist.entry import Upload
from tools.cost.scene import FPS

CAMERA = "cost"
AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Spent:
    """CPU milliseconds of this process by stage, all its threads counted."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}

    @contextlib.contextmanager
    def on(self, stage: str) -> Iterator[None]:
        """Count what the block costs."""
        began = time.process_time()
        yield
        self.ms[stage] = self.ms.get(stage, 0.0) + (time.process_time() - began) * 1e3


class Ours:
    """Decoding, check for standing pictures, shared memory, the vision thread's work on a frame; no page is open.

    Frames carry the times of the recording, so the pace is that of a camera however long this takes.
    """

    def __init__(self, models: Models, store: Store, pace: Pace) -> None:
        config = Config()
        facts = DeviceFacts("box", "test", models.hashes, models.impostor_tail, lambda _: {})
        models.stages.enhancer.budget = Budget(config.enhance.frame_ms)
        pipeline = Pipeline(config, models.stages, load_active_list(store, models), facts, pace)
        self._vision = VisionThread(pipeline, (), LiveBoard(), Outbox(store), Metrics())
        self._vision.observer = None
        self._freeze = FreezeDetector()
        self._reader = RingReader()
        self._writer = RingWriter(*self._reader.fds)
        self.searched = 0

    def play(self, path: Path, spent: Spent) -> int:
        """All frames of a file; returns how many there were."""
        number = 0
        with open_path(path) as source:
            shots = source.frames()
            while True:
                with spent.on("decode"):
                    shot = next(shots, None)
                if shot is None:
                    break
                number += 1
                with spent.on("capture: standing picture, shared memory"):
                    mono_ns = round(number / FPS * 1e9)
                    planes = shot.planes
                    self._freeze.look(shot.glance, mono_ns)
                    self._writer.write(shot.image if planes is None else planes, 0, mono_ns, shot.media_s)
                    found = self._reader.newest(1.0)
                assert found is not None
                at = AT + dt.timedelta(seconds=number / FPS)
                with spent.on("vision"):
                    self._vision.process_frame(Frame(number, CAMERA, at, mono_ns, found.pixels))
        self.searched = int(self._vision._metrics.searched.labels(CAMERA)._value.get())
        return number

    def close(self) -> None:
        """Give the shared memory back."""
        self._writer.close()
        self._reader.close()


class Public:
    """The chain of most examples: decode, YuNet at 640 px, MobileFaceNet on every face, on every frame."""

    def __init__(self, weights: Path, runtime: RuntimeConfig) -> None:
        self._detector = load_file(weights / "yunet_n_dynamic.onnx", "detect", runtime)
        self._embedder = open_peer_embedder(weights / "mobilefacenet_foamliu.onnx", runtime)
        self.faces = 0

    def play(self, path: Path, spent: Spent) -> int:
        """All frames of a file, decoded by OpenCV; returns how many there were."""
        number = 0
        video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        while True:
            with spent.on("decode"):
                is_read, picture = video.read()
            if not is_read:
                break
            number += 1
            image = np.asarray(picture, np.uint8)
            with spent.on("detect"):
                small, fit = letterbox(image, 640, 32)
                outputs = self._detector.run(self._detector.spec.tensor(small[np.newaxis]))
                boxes, scores, points = decode(outputs, small.shape[0], small.shape[1], 0.6)
                kept = nms(boxes[(order := np.argsort(-scores))], scores[order], 0.45)
                landmarks = fit.back(points[order][kept])
            with spent.on("embed"):
                crops: list[Any] = [align(image, one) for one in landmarks]
                if crops:
                    self._embedder.embed(crops)
            self.faces += len(crops)
        video.release()
        return number


@contextlib.contextmanager
def store_with(models: Models, picture: Path) -> Iterator[Store]:
    """A database in which one of the four is listed."""
    with tempfile.TemporaryDirectory(prefix="edge-cost-") as folder, Store.open(Path(folder)) as store:
        enrol(store, models, Person("p", "P", "test"), [Upload("p.jpg", picture.read_bytes())])
        yield store
