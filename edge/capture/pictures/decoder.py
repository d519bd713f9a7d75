"""The process that decodes one picture for `apart`: `python -m edge.capture.pictures.decoder ORDER`.

The file comes on stdin; one line of JSON and the pixels go to stdout. It lowers its limits before it loads a library,
and is killed first when memory runs out.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from edge.capture.pictures.apart import lower_limit


def main() -> None:
    """Read the file, decode it within the limits of the order, and write what came of it."""
    order = json.loads(sys.argv[1])
    out = os.dup(1)
    os.dup2(2, 1)  # a library that prints must not stand in the answer
    lower_limit(resource.RLIMIT_CPU, order["cpu_s"])
    lower_limit(resource.RLIMIT_DATA, order["data_bytes"])
    lower_limit(resource.RLIMIT_CORE, 0)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    answer, pixels = _decode(sys.stdin.buffer.read(), order)
    with os.fdopen(out, "wb") as file:
        file.write(json.dumps(answer).encode() + b"\n")
        if pixels is not None:
            file.write(pixels)


def _decode(data: bytes, order: dict[str, Any]) -> tuple[dict[str, Any], memoryview | None]:
    import cv2
    import numpy as np

    from edge.capture.pictures.images import alpha_here, decode_here
    from edge.errors import ImageError

    cv2.setNumThreads(1)
    memory = order["data_bytes"] // 1_000_000
    try:
        if order["wants_alpha"]:
            alpha, is_gray = alpha_here(data, "")
            image = np.zeros((0, 0), np.uint8) if alpha is None else alpha
            about: dict[str, Any] = {"has_alpha": alpha is not None, "is_gray": is_gray}
        else:
            done = decode_here(data, "")
            image = _shrunk(done.image, order["max_pixels"])
            about = {"notes": done.notes, "conversion": done.conversion}
    except ImageError as error:
        why = str(error).removeprefix(": ")
        if "damaged" in why:  # libraries don't say which of the two it was
            why = why.replace("is damaged", f"takes more than {memory} MB of memory to decode, or is damaged", 1)
        return {"error": why}, None
    except (MemoryError, cv2.error):
        return {
            "error": f"takes more than {memory} MB of memory to decode; save the picture again as a plain JPEG"
        }, None
    image = np.ascontiguousarray(image)
    return {"shape": image.shape, **about}, image.reshape(-1).data


def _shrunk(image: Any, max_pixels: int | None) -> Any:
    from edge.pixels.resize import resize

    height, width = image.shape[:2]
    if max_pixels is None or height * width <= max_pixels:
        return image
    ratio = float((max_pixels / (height * width)) ** 0.5)
    return resize(image, max(1, int(height * ratio)), max(1, int(width * ratio)))


if __name__ == "__main__":
    main()
