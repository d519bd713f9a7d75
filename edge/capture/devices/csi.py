"""CSI cameras of an NVIDIA Jetson: the elements that read one, and what its messages mean.

Pictures come through Argus (`nvarguscamerasrc`), which debayers them and sets exposure, and `nvvidconv`, which brings
them out of the graphics memory; both belong to NVIDIA's own GStreamer packages. The process itself is in `gstreamer`.
"""

from __future__ import annotations

from fractions import Fraction

from edge.capture.devices.gstreamer import GStreamerSource

_MEANINGS = (
    (
        "no element",
        "this system's GStreamer lacks {element}; csi: is for NVIDIA Jetson boards (package nvidia-l4t-gstreamer); "
        "on a Raspberry Pi write source = 'picamera:0', for a USB camera 'v4l2:/dev/video0'",
    ),
    ("No cameras available", "no CSI camera is found; check its ribbon cable, and choose the sensor in jetson-io"),
    ("Invalid camera device", "no CSI camera has this number; count from 0, or check the ribbon cable"),
    (
        "Failed to create CaptureSession",
        "another program uses the camera, or Argus hangs; stop that program, or: sudo systemctl restart nvargus-daemon",
    ),
    (
        "Connecting to nvargus-daemon failed",
        "Argus can't be reached; start it with: sudo systemctl restart nvargus-daemon, "
        "and let the service see /tmp/argus_socket",
    ),
    ("Frame Rate specified is greater", "the sensor can't give that many pictures a second; lower the camera's fps"),
)


def csi_source(sensor: int, width: int, height: int, fps: float) -> GStreamerSource:
    """A live CSI camera by its number; Argus scales the sensor's pictures to `width` x `height` px."""
    return GStreamerSource(f"csi:{sensor}", csi_elements(sensor, width, height, fps), (width, height), fps, explain)


def csi_elements(sensor: int, width: int, height: int, fps: float) -> list[str]:
    """The part of the pipeline that makes pictures."""
    rate = Fraction(fps).limit_denominator(1001)
    in_graphics_memory = (
        f"video/x-raw(memory:NVMM),format=NV12,width={width},height={height},"
        f"framerate={rate.numerator}/{rate.denominator}"
    )
    return ["nvarguscamerasrc", f"sensor-id={sensor}", "!", in_graphics_memory, "!", "nvvidconv"]


def explain(text: str) -> str | None:
    """What happened and what to do, for messages that are known; None for others."""
    for mark, meaning in _MEANINGS:
        at = text.find(mark)
        if at >= 0:
            line = text[at:].partition("\n")[0]
            return meaning.format(element=line.removeprefix(mark).strip(' "'))
    return None
