"""Kernels load their compiler when they are first called, whoever calls, and from any thread."""

from __future__ import annotations

import subprocess
import sys

import pytest

STAGES = "import sys; import edge.detect, edge.track, edge.enhance, edge.pipeline, edge.app.service.parts;"
BOXES = "import numpy as np; from edge.pixels.faces.boxes import iou, nms; b = np.eye(4, dtype=np.float32); iou(b, b);"


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_what_a_bright_scene_needs_loads_no_compiler() -> None:
    assert run(STAGES + BOXES + "print('numba' in sys.modules, 'llvmlite' in sys.modules)") == "False False"


@pytest.mark.parametrize("count", [1, 4])
def test_the_first_call_loads_it_in_whatever_thread(count: int) -> None:
    code = (
        "import threading, numpy as np; from edge.pixels.light import lime;"
        "picture = np.full((32, 32, 3), 40, np.uint8); found = [];"
        "work = lambda: found.append(lime.enhance_lowlight(picture, solver='fast'));"
        f"threads = [threading.Thread(target=work) for _ in range({count})];"
        "[one.start() for one in threads]; [one.join() for one in threads];"
        "print(len(found), all((one > picture).all() for one in found))"
    )
    assert run(code) == f"{count} True"
