"""The acceptance walk of the page, over the frames of live work, up to the sheet that is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from edge.app.build import load_models
from edge.app.commission.page import PageWalk
from edge.app.commission.sheet import check_sheet
from edge.app.health.accepted import read_accepted
from edge.app.offline.clips import EPOCH
from edge.app.people.people import enrol
from edge.app.selfcheck import demo_clip
from edge.app.service.vision import VisionThread
from edge.capture.recorder import write_video
from edge.capture.sources import open_path
from edge.config import CameraConfig, Config
from edge.errors import ConflictError, NotFoundError
from edge.ops.release.signing import device_key, public_hex
from edge.pipeline import FrameResult
from edge.records import Detections, Frame, Person
from edge.store import Store
from tests.support.serve.german import english_in


def test_the_page_walks_over_the_running_vision_thread(tmp_path: Path, portrait: Path) -> None:
    """Frames come as live work is done with them; the sheet is kept, signed, and noted in the audit."""
    config = Config(data_dir=tmp_path / "data", camera=(CameraConfig(name="door", source="file:none.mp4"),))
    walk = tmp_path / "walk.avi"
    write_video(walk, demo_clip.frames(fault="cctv:2", only=range(26, 274, 4)), demo_clip.FPS / 4)
    models = load_models(config)
    vision = SimpleNamespace(observer=None)

    async def check(store: Store) -> None:
        made = PageWalk(config, models, store, cast(VisionThread, vision), seconds=600)
        assert made.view().state == "idle"
        with pytest.raises(ConflictError, match="say first who walks"):
            await made.measure(2, "day")
        with pytest.raises(NotFoundError):
            await made.begin("door", "nobody")
        await made.begin("door", "ann")
        await made.measure(3, "day")
        assert made.view().state == "measuring"
        with pytest.raises(ConflictError, match="wait until"):
            await made.measure(2, "day")
        with open_path(walk) as source:
            for number, shot in enumerate(source.frames()):
                for camera in ("door", "yard"):
                    frame = Frame(number, camera, EPOCH, round((shot.media_s or 0) * 1e9), shot.image)
                    found = models.stages.detector.detect(shot.image)
                    vision.observer(frame, FrameResult(found, (), (), (), ()))
        (station,) = made.view().stations
        assert (station.metres, station.light) == (3, "day")
        assert station.is_recognised
        made._until = 0.0
        await made.measure(5, "day")
        wall = np.full((360, 640, 3), 90, np.uint8)
        for number in range(5):
            found = models.stages.detector.detect(wall)
            vision.observer(
                Frame(900 + number, "door", EPOCH, (900 + number) * 10**9, wall), FrameResult(found, (), (), (), ())
            )
        assert len(made.view().stations) == 1, "nothing is said of a distance that is being measured"
        made._until = 0.0
        far = made.view().stations[1]
        assert (far.metres, far.faces, far.is_recognised, far.why) == (5, 0, False, "no face was seen")
        await made.measure(6, "day")
        for number in range(5):
            paused = FrameResult(Detections.empty(), (), (), (), (), is_searched=False)
            vision.observer(Frame(950 + number, "door", EPOCH, (950 + number) * 10**9, wall), paused)
        assert not made.view().is_unseen
        made._until = 0.0
        assert made.view().is_unseen
        assert len(made.view().stations) == 2, "frames that nobody searched say nothing of the camera"
        assert made.view().sentence == "Recognises at 3 m, not beyond 5; at night it was not measured."
        assert made.sheet() is None
        await made.finish("ann-installer", "de")
        assert made.view().state == "done"
        assert vision.observer is None
        sheet = (made.sheet() or b"").decode()
        assert '<html lang="de">' in sheet
        assert "kein Gesicht gesehen" in sheet
        assert english_in(sheet) == []
        assert check_sheet(made.sheet() or b"", "sheet") == public_hex(device_key(config.data_dir))
        (kept,) = (config.data_dir / "commission").glob("*.html")
        assert kept.read_bytes() == made.sheet()
        accepted = read_accepted(config.data_dir, "door")
        assert accepted is not None
        assert (accepted.size_px, accepted.luma) == (pytest.approx(station.eye_px, abs=0.01), round(station.luma, 4))
        noted = store.audit_log.newest(None, 1)[0]
        assert (noted.actor, noted.action) == ("ann-installer", "commission.sheet")

    with Store.open(config.data_dir) as store:
        enrol(store, models, Person("ann", "Ann", "staff"), [portrait])
        asyncio.run(check(store))
