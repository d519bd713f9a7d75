"""Where things lie that tests read."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
RTSP_SERVER = ROOT / "tests" / "support" / "capture" / "rtsp_server.py"
"""Run as a script: it needs the system's own Python, with GStreamer."""


def find_shared_data() -> Path | None:
    """Folder of the public test data beside the checkout, or None."""
    folder = Path(os.environ.get("EDGE_TEST_DATA", ROOT.parent / "shared" / "data"))
    return folder if folder.is_dir() else None


def find_case_files() -> Path | None:
    """Folder of recordings as people really have them, beside the public test data, or None."""
    data = find_shared_data()
    folder = data.parent / "cases" / "files" if data is not None else None
    return folder if folder is not None and folder.is_dir() else None


def find_case(name: str) -> Path | None:
    """A file of the kept cases beside the public test data, or None."""
    data = find_shared_data()
    path = None if data is None else data.parent / "cases" / "files" / name
    return path if path is not None and path.is_file() else None
