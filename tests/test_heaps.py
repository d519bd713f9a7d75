"""Memory that was freed goes back to the system when that is asked for."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
from pathlib import Path
from edge import heaps

def held_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

heaps.keep_few(1)
blocks = [bytes(2000) for _ in range(30_000)]
last = bytes(2000)  # keeps the heap from shrinking at its end by itself
del blocks
before = held_mb()
heaps.give_back()
print(before - held_mb())
"""


def test_what_was_freed_in_the_middle_of_a_heap_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 40
