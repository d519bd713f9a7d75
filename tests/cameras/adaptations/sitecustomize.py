"""What picamera2 expects of a Raspberry Pi and a chroot lacks; loaded by every Python that finds this folder first.

1. Memory for pictures comes from memfd, where the board has /dev/dma_heap; each picture waits for its turn, as
   libcamera's virtual camera keeps no frame rate.
2. `pykms`, which only draws on screens, is empty.
3. The virtual camera has no raw sensor modes.
4. That memory is mapped as plain files are, as picamera2's LibcameraAllocator does: nothing is to be synchronised.

EDGE_TEST_HANG_STOP=1 lets `stop()` hang for ever, as it can on a board. The product itself is not touched.
"""

from __future__ import annotations

import mmap
import os
import sys
import time
import types
from typing import Any

import libcamera

FRAME_S = 0.04


class _Names:
    def __getattr__(self, name: str) -> str:
        return name


sys.modules["pykms"] = types.ModuleType("pykms")
sys.modules["pykms"].PixelFormat = _Names()  # type: ignore[attr-defined]

import picamera2.picamera2 as library  # noqa: E402
from picamera2.allocators.allocator import Allocator  # noqa: E402


class _Mapped:
    def __init__(self, allocator: Any, buffer: Any, write: bool) -> None:
        self.buffer = buffer

    def __enter__(self) -> mmap.mmap:
        time.sleep(FRAME_S)
        self.memory = mmap.mmap(self.buffer.planes[0].fd, sum(plane.length for plane in self.buffer.planes))
        return self.memory

    def __exit__(self, *error: object) -> None:
        self.memory.close()


class MemfdAllocator(Allocator):  # type: ignore[misc]
    """Buffers of two planes, luma and chroma, in one memfd each."""

    def __init__(self) -> None:
        super().__init__()
        self.sync = _Mapped
        self._buffers: dict[Any, list[Any]] = {}

    def allocate(self, libcamera_config: Any, use_case: Any) -> None:
        for stream in libcamera_config:
            luma = stream.size.width * stream.size.height
            made = []
            for _ in range(stream.buffer_count):
                memory = os.memfd_create("picture")
                os.ftruncate(memory, stream.frame_size)
                made.append(libcamera.FrameBuffer([_plane(memory, 0, luma), _plane(memory, luma, luma // 2)]))
                os.close(memory)
            self._buffers[stream.stream] = made

    def buffers(self, stream: Any) -> list[Any]:
        return self._buffers[stream]


def _plane(memory: int, offset: int, length: int) -> Any:
    plane = libcamera.FrameBuffer.Plane()
    plane.fd, plane.offset, plane.length = memory, offset, length
    return plane


library.DmaAllocator = MemfdAllocator
library.Picamera2._get_raw_modes = lambda self: [{"format": "SRGGB8", "size": (640, 480)}]
if os.environ.get("EDGE_TEST_HANG_STOP"):
    library.Picamera2.stop = lambda self: time.sleep(3600)
