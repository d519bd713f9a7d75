"""Opens the source for a camera's setting or a path. Each kind of source has a module beside this one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edge import credentials
from edge.capture.address import parse_source
from edge.capture.files import DEFAULT_FPS, ImagesSource, VideoSource, is_video, read_head
from edge.capture.frames import FrameSource, SourceFrame
from edge.capture.heif import kind_of
from edge.config import CameraConfig
from edge.errors import ImageError

__all__ = ["FrameSource", "SourceFrame", "open_path", "open_source"]

VIDEO_SUFFIXES = (
    ".mp4",
    ".mkv",
    ".avi",
    ".mov",
    ".webm",
    ".gif",
    ".m4v",
    ".mpg",
    ".mpeg",
    ".ts",
    ".flv",
    ".ogv",
    ".wmv",
    ".y4m",
)


def open_source(camera: CameraConfig) -> FrameSource:
    """The source of one camera, to be entered with `with`; raises ConfigError for an invalid source."""
    address = parse_source(camera)
    if "://" in address.target:
        address = replace(address, target=credentials.fill(address.target))
    match address.scheme:
        case "file":
            return open_path(Path(address.target), camera.fps)
        case "folder":
            folder = Path(address.target)
            if folder.is_file():
                raise ImageError(f"{folder}: is a file, not a folder; write source = 'file:{folder}'")
            return ImagesSource(folder, camera.fps)
        case "rtsp" | "rtsps":
            from edge.capture.rtsp import RtspSource

            return RtspSource(address)
        case "http" | "https":
            from edge.capture.mjpeg import MjpegSource

            return MjpegSource(address, camera.fps, camera.stall_after_s)
        case "v4l2":
            from edge.capture.v4l2 import V4l2Source

            return V4l2Source(address.target, camera.width, camera.height, camera.fps)
        case "csi":
            from edge.capture.csi import csi_source

            return csi_source(int(address.target), camera.width, camera.height, camera.fps)
        case "picamera":
            from edge.capture.picamera import PicameraSource

            return PicameraSource(int(address.target), camera.width, camera.height, camera.fps)
        case scheme:
            raise ValueError(f"no source for scheme {scheme!r}: add its case here")


def open_path(path: Path, fps: float | None = None) -> FrameSource:
    """The source of a video, GIF, image or folder of images, to be entered with `with`. `fps` times images only."""
    if path.is_dir():
        return ImagesSource(path, fps or DEFAULT_FPS)
    head = read_head(path)
    if kind_of(head) is not None:  # HEIC and AVIF look like an MP4 at first
        return ImagesSource(path, fps or DEFAULT_FPS)
    if is_video(head) or path.suffix.lower() in VIDEO_SUFFIXES:
        return VideoSource(path)
    return ImagesSource(path, fps or DEFAULT_FPS)
