"""Commands in a terminal of their own, with somebody who types."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Sequence

from tests.support.appliance import clean_env

EDGE = (sys.executable, "-m", "edge")


def typed(command: Sequence[str], lines: Sequence[str] = (), *, columns: int = 80, status: int = 0) -> str:
    """What a command prints in a terminal in which each line is typed once it asks for it; it ends with `status`."""
    ours, theirs = pty.openpty()
    env = clean_env() | {"TERM": "xterm", "COLUMNS": str(columns)}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True)
    os.close(theirs)
    told, left = b"", list(lines)
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        told += part
        if left and told.endswith(b": "):
            os.write(ours, f"{left.pop(0)}\n".encode())
    os.close(ours)
    assert process.wait(120) == status, told.decode()
    assert not left, told.decode()
    return told.decode()
