"""Damaged and hostile recordings: the pipeline takes each or refuses it, and reads nothing but the file itself."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.capture.mutations import write_mutations
from tests.support.paths import ROOT

COUNT = int(os.environ.get("EDGE_TEST_MUTATIONS", "30"))
SEED = int(os.environ.get("EDGE_TEST_MUTATIONS_SEED", "14"))
HANGS_AFTER_S = 120
"""No file here takes seconds; the process that is silent for this long hangs."""
_IN_OPEN = 0x20


@contextmanager
def opens_of(path: Path) -> Iterator[list[bytes]]:
    """Afterwards the list holds an entry where anybody has opened the file meanwhile (inotify(7))."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(handle, os.fsencode(path), _IN_OPEN) >= 0
    found: list[bytes] = []
    try:
        yield found
        with suppress(BlockingIOError):
            found.append(os.read(handle, 4096))
    finally:
        os.close(handle)


def run(folder: Path) -> list[str]:
    """The lines of the process; the last file it began is named where it died or hung."""
    command = [sys.executable, "-m", "tests.support.capture.mutations", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        stdout, stderr = process.communicate(timeout=HANGS_AFTER_S + COUNT * 2)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        raise AssertionError(f"hangs: {stdout.splitlines()[-1]}") from None
    assert process.returncode == 0, f"{stdout.splitlines()[-1:]} ended with {process.returncode}: {stderr[-2000:]}"
    told = [line for line in stderr.splitlines() if not line.startswith("Corrupt JPEG data")]  # libjpeg's own words
    assert told == [], "FFmpeg and its binding write nothing"
    return [line for line in stdout.splitlines() if not line.startswith("begins")]


def test_no_recording_crashes_hangs_or_makes_us_read_anything_else(tmp_path: Path) -> None:
    canary = tmp_path / "canary.ts"
    canary.write_bytes(b"secret")
    with socket.create_server(("127.0.0.1", 0)) as listener, opens_of(canary) as opened:
        listener.setblocking(False)
        write_mutations(tmp_path / "files", COUNT, SEED, canary, listener.getsockname()[1])
        lines = run(tmp_path / "files")
        try:
            peer = listener.accept()[1]
        except BlockingIOError:
            peer = None
    assert peer is None, "an address was read"
    assert opened == [], "another file was read"
    assert len(lines) == COUNT
    assert any("frames" in line for line in lines)
    assert any("frames" not in line for line in lines)
