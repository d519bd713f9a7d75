"""Capture: turns a camera, file or folder into frames, in one child process per camera, through a shared-memory ring.

    address, sources            the `source` setting; the source it asks for
    network, devices            network cameras; cameras of this machine
    video, pictures, files      recordings; pictures and folders of them; which of the two a path is
    frames                      the interface of every source
    camera, supervisor, health  the service's side: newest frame, restarts, state
    child, orders               the capture process and its settings
    ring, slots                 the shared memory: who may use what; how frames lie in it
    planes, conversion          luma and chroma apart; made BGR
    condition                   whether pictures change, and still show the scene
    masks, pacing               what the capture process does to a frame, and when it takes one
    recorder                    writes clips for the demo and tests

The parent's side is `camera.Camera`; offline commands open files in their own process with `sources.open_path`.
Nothing here looks for people. Importing this package only sets limits that OpenCV reads when it is loaded.
"""

import os

from edge.arrays import MAX_PIXELS

READ_TIMEOUT_S = 3
"""Whole seconds a V4L2 device may take for a picture; OpenCV alone would wait for 10."""

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(READ_TIMEOUT_S))
