"""Capture: turns a camera, file or folder into frames, in one child process per camera, through a shared-memory ring.

    address, sources            the `source` setting; the source it asks for
    rtsp, refusals              RTSP cameras, and why one refuses
    mjpeg, http_camera, jpegs   motion JPEG over HTTP; logins and redirects; pictures in a stream of bytes
    v4l2, picamera              USB and Raspberry Pi cameras
    csi, gstreamer              Jetson cameras, through the system's GStreamer
    recordings, containers      videos: frames and times; which files are read
    shaping, facts              decoded frames made whole, square and upright; what a stream is
    files, images, stills       pictures and folders of them
    kinds                       names of what can't be read
    heif                        HEIC and AVIF pictures
    frames                      the interface of every source
    camera, supervisor, health  the service's side: newest frame, restarts, state
    child, orders, ring         the capture process, its settings, the shared memory
    masks, freeze, lag, pacing  what the capture process does to or finds out about a frame
    access                      why a device can't be opened
    recorder                    writes clips for the demo and tests

The parent's side is `camera.Camera`; offline commands open files in their own process with `sources.open_path`.
Nothing here looks at what a frame shows. Importing this package only sets limits that OpenCV reads when it is loaded.
"""

import os

from edge.arrays import MAX_PIXELS

READ_TIMEOUT_S = 3
"""Whole seconds a V4L2 device may take for a picture; OpenCV alone would wait for 10."""

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(READ_TIMEOUT_S))
