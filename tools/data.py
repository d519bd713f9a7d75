"""Where the tools find the checkout and the public data, and who is who on its signers' clips."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("EDGE_TEST_DATA", ROOT.parent / "shared" / "data"))
"""The public data; its files may be absent."""
SIGNERS = {"again": "A", "brother": "A", "bird": "B", "milk": "B", "book": "C", "learn": "C", "eat": "D", "hungry": "E"}
"""Clip of `DATA/video/asl` -> the person in it."""
