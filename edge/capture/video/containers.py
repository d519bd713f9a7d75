"""Which recordings are read: what a file's first bytes say, and how FFmpeg may open it.

FFmpeg gets the bytes of one open file and no name, may choose among these containers alone, and may use no protocol.
So no file can make it read an address or another file: playlists and session descriptions stay shut.
"""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError

from edge.errors import CameraError, ImageError
from edge.names import printable

DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,mpegts,mpeg,mpegvideo,m4v,h264,hevc,mjpeg,mpjpeg,flv,ogg,asf,"
    "yuv4mpegpipe,ivf,dhav,mxf,dv"
)
"""The containers that FFmpeg may open, by its own names."""
BARE_JPEGS = ("mjpeg", "mpjpeg")
"""Those that hold JPEG pictures and nothing else: one behind the other, and as a server sends them."""
_BY_SUFFIX = {
    ".ts": "mpegts", ".m2ts": "mpegts", ".mts": "mpegts", ".mpg": "mpeg", ".mpeg": "mpeg", ".vob": "mpeg",
    ".h264": "h264", ".264": "h264", ".avc": "h264", ".h265": "hevc", ".265": "hevc", ".hevc": "hevc",
    ".mjpeg": "mjpeg", ".mjpg": "mjpeg", ".m2v": "mpegvideo",
}  # fmt: skip
VIDEO_SUFFIXES = (
    ".mp4", ".mkv", ".avi", ".mov", ".webm", ".gif", ".m4v", ".mpg", ".mpeg", ".ts", ".flv", ".ogv", ".wmv", ".y4m",
    ".3gp", ".asf", ".dav", ".mxf", ".vob", ".m2ts", ".mts", ".m2v", ".h264", ".264", ".avc", ".h265", ".265", ".hevc",
    ".mjpeg", ".mjpg",
)  # fmt: skip
"""Endings that say "video" where the bytes don't, and by which a folder's videos are found."""
JPEG_VIDEO_SUFFIXES = (".mjpeg", ".mjpg")
"""Those of files that begin as a JPEG picture does."""

_STARTS = re.compile(rb"\x00\x00\x01\xba|(?=.{4}ftyp)|DHAV|\x47.{187}\x47.{187}\x47.{187}\x47", re.DOTALL)
MAX_VIDEO_PIXELS = 40_000_000
"""Of one picture of a recording; 8K has 35 million. A decoder holds many of them at a time."""
_HEAD_BYTES = 1024
_SEARCHED_BYTES = 1 << 20
_JPEGS_SEARCHED_BYTES = 16 << 20
_READS_PER_BYTE = 100
_FREE_READ_BYTES = 256 << 20

# Faults are told once, by us: what FFmpeg says may hold a login. With any level set, PyAV takes the GIL in decoder
# threads to hear FFmpeg's errors, and hangs where such a thread is just being ended.
av.logging.set_level(None)


def read_head(path: Path) -> bytes:
    """First bytes of a file; raises CameraError where there is none to read, ImageError where it is empty."""
    shown = printable(path)
    if path.is_dir():
        raise ImageError(f"{shown}: is a folder, not a file; a camera plays it with source = 'folder:{shown}'")
    if path.exists() and not path.is_file():
        raise CameraError(f"{shown}: is not a plain file; give a video or image file")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        raise CameraError(f"{shown}: no such file; check the path") from None
    except OSError as error:
        raise CameraError(f"{shown}: can't be read ({error.strerror}); check its permissions") from None
    if not head:
        raise ImageError(f"{shown}: is empty (0 bytes); copy the file again")
    return head


def is_jpeg_sequence(path: Path, head: bytes) -> bool:
    """True for JPEGs one behind the other. A photo may hold a second picture, too, but says so in its header."""
    if not head.startswith(b"\xff\xd8\xff"):
        return False
    with path.open("rb") as file:
        data = file.read(_JPEGS_SEARCHED_BYTES)
    end = _end_of_jpeg(data)
    return (
        end > 0
        and data[end : end + 64].lstrip(b"\x00\xff\r\n").startswith(b"\xd8\xff")
        and b"MPF\x00" not in data[:end]
    )


def _end_of_jpeg(data: bytes) -> int:
    """Where the first picture ends; 0 where it doesn't. Thumbnails lie in segments, which are stepped over."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4])
        if marker == 0xDA:
            found = data.find(b"\xff\xd9", at)
            return found + 2 if found >= 0 else 0
    return 0


def ends_as_jpeg(data: bytes) -> bool:
    """Whether the last picture in these bytes has its end mark; in coded data before it there is none."""
    return data.rfind(b"\xff\xd9") > data.rfind(b"\xff\xda")


class _Bytes(io.RawIOBase):
    """A file from `start` to `end`, for FFmpeg. What is read over and over again ends, so that work is bounded."""

    def __init__(self, path: Path, start: int, end: int | None) -> None:
        self._file = path.open("rb", buffering=0)
        self._start = start
        size = os.fstat(self._file.fileno()).st_size
        self._end = size if end is None else end
        self.num_bytes = self._end - start
        self._left = _FREE_READ_BYTES + _READS_PER_BYTE * size
        self._file.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self._left -= max(size, 1)
        here = max(0, self._end - self._file.tell())
        return (self._file.read(min(size, here) if size >= 0 else here) or b"") if self._left > 0 else b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            if whence == os.SEEK_END:
                offset, whence = max(0, self._end - self._start + offset), os.SEEK_SET
            place = max(0, offset) + self._start if whence == os.SEEK_SET else offset
            return self._file.seek(place, whence) - self._start
        except (OSError, ValueError, OverflowError):  # a place that a damaged file made up
            return -1

    def tell(self) -> int:
        return self._file.tell() - self._start

    def close(self) -> None:
        self._file.close()
        super().close()


class Recording:
    """An open container and its file, closed together."""

    def __init__(self, path: Path, start: int = 0, demuxer: str | None = None, end: int | None = None) -> None:
        self._bytes = _Bytes(path, start, end)
        self.num_bytes = self._bytes.num_bytes
        options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "none", "max_pixels": str(MAX_VIDEO_PIXELS)}
        try:
            opened = av.open(self._bytes, format=demuxer, options=options, metadata_errors="replace")
        except BaseException:
            self._bytes.close()
            raise
        assert isinstance(opened, InputContainer)
        self.container = opened

    def close(self) -> None:
        """Close both. May be called again."""
        self.container.close()
        self._bytes.close()


def open_recording(path: Path, end: int | None = None) -> Recording | None:
    """Open a recording by what FFmpeg finds, else by its ending, else behind a header it doesn't know; or None.

    `end`: where its first part ends, see `parts`.
    """
    with path.open("rb") as file:
        data = file.read(_SEARCHED_BYTES)
    tries: list[tuple[int, str | None]] = [(0, None)]
    if is_jpeg_sequence(path, data[:_HEAD_BYTES]):
        tries.insert(0, (0, "mjpeg"))
    if (by_suffix := _BY_SUFFIX.get(path.suffix.lower())) is not None and not is_text(data[:_HEAD_BYTES]):
        tries.append((0, by_suffix))
    tries += [(found.start(), None) for found in _STARTS.finditer(data) if found.start()][:4]
    for start, demuxer in tries:
        try:
            recording = Recording(path, start, demuxer, end)
        except (FFmpegError, ValueError, OSError):
            continue
        if recording.container.streams:
            return recording
        recording.close()
    return None


def is_text(head: bytes) -> bool:
    """True for what people or programs write, such as a playlist."""
    return not re.search(rb"[^\t\r\n\x20-\x7e\x80-\xff]", head)
