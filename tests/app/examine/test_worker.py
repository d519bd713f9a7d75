"""The worker's own limits: what a file may take of work and memory, and what is told where it takes more."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.app.examine import worker
from edge.app.examine.results import why_ended
from edge.app.examine.worker import LEAST_MEMORY_BYTES, memory_limit, require_photo
from edge.config import Config
from edge.errors import ImageError
from tests.support.capture.bombs import jpeg_scans, tiff_strip
from tests.support.media import encode, flat, write_clip


def examine(source: Path, most_bytes: int) -> list[dict[str, object]]:
    """What the worker says of a file while it may take so many bytes of memory."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (most_bytes, most_bytes))

    order = {"config": Config(data_dir=source.parent / "data").model_dump(mode="json")}
    order |= {"source": str(source), "out": str(source.parent / "out")}
    alone = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "edge.app.examine.worker"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=limit, env=alone, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(order) + "\n")
        child.stdin.flush()  # not closed: that would end it
        return [json.loads(line) for line in child.stdout]


def test_a_file_that_takes_too_much_memory_ends_with_the_limit(tmp_path: Path) -> None:
    source = tmp_path / "file.jpg"
    source.write_bytes(encode(np.full((7000, 7000, 3), 90, np.uint8)))
    said = examine(source, 480_000_000)
    assert said[-1] == {"error": "the file: takes more than 480 MB of memory to examine; make it smaller, or cut it"}


@pytest.mark.parametrize("data", [tiff_strip(8000, 7900, 7900), jpeg_scans(3000)], ids=["tiff", "scans"])
def test_a_picture_out_of_proportion_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.tif"
    path.write_bytes(data)
    with pytest.raises(ImageError, match="would take the work of"):
        require_photo(path)


def test_photos_and_videos_are_not(tmp_path: Path) -> None:
    photo = tmp_path / "file.jpg"
    photo.write_bytes(encode(flat(90, 1500, 2000)))
    require_photo(photo)
    require_photo(write_clip(tmp_path / "file.mp4", [flat(9, 1000, 1000)] * 30))


def test_a_small_machine_gives_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.os, "cpu_count", lambda: 4)
    pages: dict[str, int] = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 10**9 // 4096}
    monkeypatch.setattr(worker.os, "sysconf", pages.__getitem__)
    assert LEAST_MEMORY_BYTES < memory_limit() < 10**9
    pages["SC_PHYS_PAGES"] *= 16
    assert memory_limit() == worker.MAX_MEMORY_BYTES + 200_000_000


def test_what_a_worker_died_of_is_told() -> None:
    assert "longer than the 1800 CPU seconds that max_seconds allows" in why_ended(-signal.SIGXCPU, 1800.0)
    assert "too little memory" in why_ended(-signal.SIGKILL, 1800.0)
    assert "ended with -11: the file is damaged" in why_ended(-signal.SIGSEGV, 1800.0)
