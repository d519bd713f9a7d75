"""A whole running box to put load on: the demo's clip, a person enrolled, a history worth a large answer."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.app.evaluation.bench import two_faces
from edge.app.selfcheck import demo_clip
from edge.capture.recorder import write_video
from edge.pixels.encode import to_png
from edge.store import Store
from tests.support.appliance import Appliance

HISTORY = 500
CLIP_S = 8.0
SCOPES = ("alerts:read", "health:read", "watchlist:write")


@contextmanager
def running(*, realtime: bool) -> Iterator[tuple[Appliance, str, int]]:
    """The service with two faces before its camera, a token for everything, and its process id."""
    with tempfile.TemporaryDirectory(prefix="edge-load-") as name:
        folder = Path(name)
        path, portrait = folder / "two.avi", folder / "portrait.png"
        write_video(path, (two_faces(frame) for frame in demo_clip.frames(seconds=CLIP_S)), demo_clip.FPS)
        portrait.write_bytes(to_png(demo_clip.portrait()))
        box = Appliance(folder, camera=path, realtime=realtime)
        _fill(box)
        done = box.edge("enrol", "--id", "p", "--name", "P", "--status", "test", portrait)
        if done.returncode != 0:
            sys.exit(done.stderr)
        scopes = [part for scope in SCOPES for part in ("--scope", scope)]
        token = box.edge("token", "add", "load", *scopes).stdout.strip()
        with box.running() as process:
            yield box, token, process.pid


def _fill(box: Appliance) -> None:
    """Items of the last minutes, about a megabyte, so that an answer can be large."""
    with Store.open(box.data_dir) as store:
        pending = [store.add_item("heartbeat", {"frames": number, "audit": "x" * 2000}) for number in range(HISTORY)]
        for future in pending:
            future.result(60)
