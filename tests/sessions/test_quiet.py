"""The runtime reports to nobody: it leaves no device id behind, as it does when it may report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT

LOAD = "import sys; sys.path.insert(0, {root!r}); {what}; import onnxruntime; onnxruntime.get_available_providers()"


def left_behind(home: Path, what: str) -> list[Path]:
    # Under CI the runtime keeps quiet by itself; this is about a box.
    kept = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    code = LOAD.format(root=str(ROOT), what=what)
    subprocess.run([sys.executable, "-c", code], env=kept, cwd=home, check=True, capture_output=True, timeout=120)
    return [path for path in home.rglob("*") if path.is_file() and "Microsoft" in path.parts]


def test_the_runtime_is_told_to_keep_quiet_before_it_is_loaded(tmp_path: Path) -> None:
    assert not left_behind(tmp_path, "import edge.sessions")


def test_sessions_come_after_the_word(tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, {!r}); import os, edge.sessions; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = subprocess.run(
        [sys.executable, "-c", code.format(str(ROOT))],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.strip() == "1"
