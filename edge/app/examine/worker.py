"""The worker that examines one file: `python -m edge.app.examine.worker`.

It reads its order from stdin and writes progress as JSON to stdout.

It runs `edge process` at low CPU priority and within limits of memory and CPU time, is killed first when memory runs
out, and exits when stdin closes, which means that the service has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

from edge.app.examine.results import report_name
from edge.app.offline import process
from edge.capture.pictures.apart import lower_limit
from edge.capture.pictures.images import read_bytes, require_proportion
from edge.capture.sources import is_picture
from edge.config import Config
from edge.errors import EdgeError
from edge.serve.page.wording.language import LANGUAGES

PROGRESS_EVERY_S = 0.5
NICENESS = 12
"""A weight of 70 beside the 1024 of a thread of the cameras: some 6 of 100 of a processor that is fully taken."""
MAX_FILE_BYTES = 2_000_000_000
MAX_MEMORY_BYTES = 1_500_000_000
"""A picture of 64 megapixels takes half of it."""
LEAST_MEMORY_BYTES = 700_000_000
"""Models and program alone take 440 MB, most of them never touched."""
_BYTES_PER_PROCESSOR = 50_000_000
"""Stacks and buffers of the threads that libraries start, one for each processor."""


def main() -> None:
    """Read the order, carry it out, and print progress and result."""
    lower_priority()
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_exit_when_stdin_closes, daemon=True).start()
    config = Config.model_validate(order["config"])
    seconds = int(config.examine.max_seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    memory = lower_limit(resource.RLIMIT_DATA, memory_limit())
    source, out = Path(order["source"]), Path(order["out"])
    progress = _Progress()
    _send(log="opening")
    try:
        require_photo(source)
        _send(total=process.expected_frames_of(source))
        reports = {report_name(language): language for language in LANGUAGES}
        done = process.process_files(
            config, source, out, watchlist=None, degradation=None, progress=progress, reports=reports
        )
    except EdgeError as error:
        # The page must not show where the file lies on this device.
        _send(error=str(error).replace(str(source), "the file"))
        return
    except Exception as error:
        if not _is_out_of_memory(error):
            raise
        _send(
            error=f"the file: takes more than {memory // 1_000_000} MB of memory to examine; make it smaller, or cut it"
        )
        return
    for clip in done["clips"]:
        if clip["problem"]:
            _send(log=str(clip["problem"]).replace(str(source), "the file"))
    _send(frames=progress.frames, log="finished")
    _send(done={name: sum(clip[name] for clip in done["clips"]) for name in ("frames", "detections", "tracks")})


def memory_limit() -> int:
    """Bytes of memory that an examination may take: less on a small machine."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    most = max(LEAST_MEMORY_BYTES, min(MAX_MEMORY_BYTES, machine * 3 // 4))
    return most + _BYTES_PER_PROCESSOR * (os.cpu_count() or 1)


def require_photo(source: Path) -> None:
    """Raise ImageError for a picture of few bytes that unpacks to very many pixels; a video's limit is the CPU time."""
    if is_picture(source):
        require_proportion(read_bytes(source), str(source))


def _is_out_of_memory(error: Exception) -> bool:
    """Each library says it in its own words."""
    return isinstance(error, MemoryError) or re.search(r"alloc|[Ii]nsufficient memory", str(error)) is not None


def lower_priority() -> None:
    """Lower this process's CPU priority, and make it the kernel's first choice when memory runs out."""
    # Not the idle class, nor the lowest: on a box whose cameras take all there is, those get nothing for ever.
    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


class _Progress:
    """Counts frames, and prints the count now and then."""

    def __init__(self) -> None:
        self.frames = 0
        self._told_at = 0.0

    def __call__(self, camera: str, number: int) -> None:
        if self.frames == 0:
            _send(log="first_frame")
        self.frames += 1
        if time.monotonic() - self._told_at >= PROGRESS_EVERY_S:
            self._told_at = time.monotonic()
            _send(frames=self.frames)


def _send(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _exit_when_stdin_closes() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
