"""What is left on the disk of a command that is ended, or crashes: nothing."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = """
import resource, tempfile, time
from edge.cli import root

def work():
    with tempfile.TemporaryDirectory(prefix="edge-people-"):
        print(resource.getrlimit(resource.RLIMIT_CORE)[0], flush=True)
        time.sleep(60)

most = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (most, most))
root._run = work
raise SystemExit(root.main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_whoever_is_ended_clears_its_temporary_folders_and_may_write_no_core(
    number: signal.Signals, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND], env={"TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE, text=True,
    ) as command:  # fmt: skip
        assert command.stdout is not None
        core = int(command.stdout.readline())
        assert list(tmp_path.glob("edge-people-*"))
        command.send_signal(number)
        assert command.wait(30) == -number, "as if nobody had caught it"
    assert not list(tmp_path.glob("edge-people-*"))
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != 0:
        assert core == 0
