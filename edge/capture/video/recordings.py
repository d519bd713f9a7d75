"""Videos and GIFs through FFmpeg, frame by frame with their times. No pacing and no looping."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from av.error import FFmpegError
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from edge.capture.frames import DEFAULT_FPS, SourceFrame
from edge.capture.video.containers import (
    BARE_JPEGS,
    MAX_VIDEO_PIXELS,
    Recording,
    ends_as_jpeg,
    is_text,
    open_recording,
    read_head,
)
from edge.capture.video.endings import is_cut
from edge.capture.video.facts import StreamFacts, StreamWatch
from edge.capture.video.kinds import is_sound, is_video, unreadable_kind
from edge.capture.video.parts import parts_of
from edge.capture.video.shaping import FAULTS, DecodedPicture, Shaper
from edge.capture.video.shortfall import Shortfall
from edge.errors import ImageError
from edge.names import printable

BLACK_BELOW = 12
"""Brightest value of a picture that shows nothing."""
LONGEST_GAP_S = 86_400.0
LONGEST_S = 3e8
"""Times further apart, or further on, are a fault of the file."""
_LAST_FROM_ZERO = ("matroska", "asf")
"""Kinds whose duration is the time of their end, whenever they begin."""
_WORK_PER_BYTE = 4
_FREE_WORK_BYTES = 1 << 20
_WORK_PER_PACKET = 16
_MAX_FURTHER_PARTS = 1000
"""Recordings behind the first in one file that are opened: each costs time, and a hostile file may have millions."""


class Timeline:
    """Seconds since the first frame, always growing: in files put together of several, times begin anew."""

    def __init__(self, step_s: float) -> None:
        self.step_s = step_s
        self.last_s = -step_s
        self._shift_s = 0.0

    def place(self, at_s: float | None) -> float:
        """The time of the next frame, given the recording's own, or None where it has none."""
        found = self.last_s + self.step_s
        if at_s is not None:
            if not -1.0 < at_s + self._shift_s - self.last_s < LONGEST_GAP_S or not abs(at_s) < LONGEST_S:
                self._shift_s = found - at_s if abs(at_s) < LONGEST_S else self._shift_s
            placed = at_s + self._shift_s
            found = placed if self.last_s < placed < LONGEST_S else found
        self.last_s = found
        return found

    def begin_again(self) -> None:
        """What comes next is timed from 0 again: another recording, put behind the former."""
        self._shift_s = self.last_s + self.step_s


def _promised(recording: Recording, stream: VideoStream) -> tuple[float, float]:
    """Frames and seconds that the file says it holds; 0 where it says neither.

    Frames are counted with those that an edit list leaves out, seconds without.
    """
    lasts_s = float((stream.duration or 0) * (stream.time_base or 0)) or (recording.container.duration or 0) / 1e6
    if recording.container.format.name.startswith(_LAST_FROM_ZERO):
        lasts_s -= max(0, recording.container.start_time or 0) / 1e6
    frames = stream.frames or lasts_s * fps_of(stream)
    return frames, lasts_s if lasts_s > 0 else frames / fps_of(stream)


class VideoSource:
    """A video file or GIF. `problem` says after `frames()` how much of a damaged one was decoded."""

    def __init__(self, path: Path, aspect: Fraction | None = None, deinterlace: str = "auto") -> None:
        self.path = path
        self.shown = printable(path)
        self.problem: str | None = None
        self.bad_frames = 0
        self._aspect = aspect
        self._deinterlace = deinterlace
        self._opened: tuple[Recording, VideoStream] | None = None
        self._watch: StreamWatch | None = None
        self._rest: list[tuple[int, int | None]] = []
        self._shortfall = Shortfall()

    def __enter__(self) -> VideoSource:
        self._opened = self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._opened is not None:
            self._opened[0].close()
            self._opened = None

    @property
    def expected_frames(self) -> int | None:
        """About how many frames there are, as the file says; None where it doesn't, or once `frames` was called."""
        promised = 0.0 if self._opened is None else _promised(*self._opened)[0]
        return round(promised) if promised >= 1 else None

    @property
    def facts(self) -> StreamFacts | None:
        """What is known of the stream by now; None before its first frame."""
        return self._watch.facts() if self._watch is not None else None

    def frames(self) -> Iterator[SourceFrame]:
        """Every frame from the start, timed by its presentation time; raises ImageError where there is none to see."""
        first = self._opened or self._open()
        self._opened = None  # a second call reopens the file, so playback restarts at the beginning
        step_s = 1 / fps_of(first[1])
        promised = promised_s = 0.0
        timeline, count, is_black = Timeline(step_s), 0, True
        for recording, stream in self._parts(*first):
            of_part = _promised(recording, stream)
            promised, promised_s = promised + of_part[0], promised_s + of_part[1]
            try:
                for picture, at_s in self._pictures(recording, stream):
                    is_black = is_black and int(picture.image.max()) < BLACK_BELOW
                    count += 1
                    yield SourceFrame(picture, timeline.place(at_s))
            finally:
                codec, size = stream.codec_context.name, (stream.codec_context.width, stream.codec_context.height)
                recording.close()
            timeline.begin_again()
        if count == 0:
            text = f"{self.shown}: holds no picture that can be decoded ({codec}); record or copy the file again"
            if not all(size):
                text = (
                    f"{self.shown}: holds no picture that can be decoded ({codec}), or only pictures of more than "
                    f"{MAX_VIDEO_PIXELS} pixels; record or copy the file again"
                )
            raise ImageError(text)
        if is_black:
            raise ImageError(
                f"{self.shown}: all of its {count} pictures are black ({codec}): nothing was filmed, or it was "
                "recorded wrongly; play it elsewhere, then record or export it again"
            )
        missing = self._what_is_missing(count, timeline.last_s + step_s, promised, promised_s)
        self.problem = "\n".join([*([missing] if missing else []), *self._shortfall.sentences(self.shown)]) or None

    def _parts(self, recording: Recording, stream: VideoStream) -> Iterator[tuple[Recording, VideoStream]]:
        """The recording that is open, and those put behind it in the same file; what can't be opened is counted."""
        yield recording, stream
        for start, end in self._rest:
            try:
                recording = Recording(self.path, start, end=end)
            except (FFmpegError, ValueError, OSError):
                self._shortfall.unread_recordings += 1
                continue
            try:
                stream = self._choose(recording)
            except ImageError:
                recording.close()
                self._shortfall.unread_recordings += 1
                continue
            yield recording, stream

    def _pictures(self, recording: Recording, stream: VideoStream) -> Iterator[tuple[DecodedPicture, float | None]]:
        """Decode and shape; what is broken is counted and left out."""
        shaper = Shaper(stream, self._aspect, self._deinterlace)
        self._watch = watch = StreamWatch(recording.container.format.name, stream, shaper)
        are_jpegs = recording.container.format.name in BARE_JPEGS
        start_s = None if stream.start_time is None else float(stream.start_time * (stream.time_base or 0))
        for packet in self._packets(recording, stream):
            watch.packet(packet)
            # FFmpeg takes what it has of a picture for a whole one, and the last part without a length for damaged.
            is_torn = (
                not ends_as_jpeg(bytes(packet)) if are_jpegs and packet.size else packet.is_corrupt and not are_jpegs
            )
            self._shortfall.corrupt_packets += is_torn
            for picture, at_s in self._shape(shaper, packet):
                start_s = at_s if start_s is None else start_s
                yield picture, None if at_s is None or start_s is None else at_s - start_s

    def _shape(self, shaper: Shaper, packet: Packet[VideoStream]) -> Iterator[tuple[DecodedPicture, float | None]]:
        """Pictures that one more packet gives; the empty one gives all that was held back."""
        try:
            for frame in packet.decode():
                self._shortfall.corrupt_frames += frame.is_corrupt
                yield from shaper.add(frame)
            if packet.size == 0:
                yield from shaper.finish()
        except FAULTS:
            self.bad_frames += 1
            self._shortfall.left_out += 1

    def _packets(self, recording: Recording, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        """The stream's packets, at last an empty one for what the decoder holds back.

        An index may name the same bytes again and again, so only as much is decoded as the file can hold.
        """
        left = _FREE_WORK_BYTES + _WORK_PER_BYTE * recording.num_bytes
        try:
            for packet in recording.container.demux(stream):
                left -= packet.size + _WORK_PER_PACKET
                if left < 0:
                    self._shortfall.is_given_up = True
                    break
                yield packet
                if packet.size == 0:
                    return
        except FAULTS:
            pass
        last: Packet[VideoStream] = Packet()  # type: ignore[assignment]
        last.stream = stream
        yield last

    def _open(self) -> tuple[Recording, VideoStream]:
        head = read_head(self.path)
        first, *rest = parts_of(self.path)
        self._rest = rest[:_MAX_FURTHER_PARTS]
        self._shortfall = Shortfall(recordings=1 + len(rest), unread_recordings=len(rest) - len(self._rest))
        recording = None if is_sound(head) else open_recording(self.path, first[1])
        if recording is None:
            raise ImageError(self._why_not(head))
        try:
            return recording, self._choose(recording)
        except ImageError:
            recording.close()
            raise

    def _choose(self, recording: Recording) -> VideoStream:
        """The first video that is no cover picture; other videos are counted, other streams passed over."""
        streams = recording.container.streams
        videos = [one for one in streams.video if not one.disposition & Disposition.attached_pic]
        if not videos:
            what = "sound alone" if streams.audio else "no video"
            raise ImageError(f"{self.shown}: holds {what}, so there is no face to find; give a video or a picture")
        video = videos[0]
        self._shortfall.side_by_side = max(self._shortfall.side_by_side, len(videos))
        if video.codec_context is None:
            raise ImageError(f"{self.shown}: its video is in a format without a decoder here; convert it to H.264")
        width, height = video.codec_context.width, video.codec_context.height
        if width * height > MAX_VIDEO_PIXELS:
            raise ImageError(
                f"{self.shown}: {width} x {height} pixels are more than {MAX_VIDEO_PIXELS}; make it smaller"
            )
        # A size that the container keeps back, or tells wrongly, is met by the decoder.
        video.codec_context.options = {"max_pixels": str(MAX_VIDEO_PIXELS)}
        video.codec_context.thread_count = 1  # with several, what a damaged file gives would depend on chance
        for other in streams:
            if other is not video:
                other.discard = Discard.all
        return video

    def _why_not(self, head: bytes) -> str:
        if is_sound(head):
            return f"{self.shown}: is a sound file, so there is no face to find; give a video or a picture"
        if (kind := unreadable_kind(head)) is not None:
            return f"{self.shown}: is {kind}, not a video; give a video or a JPEG or PNG picture"
        if is_video(head):
            return (
                f"{self.shown}: can't be opened as a video; it is damaged or was cut off before its index was written; "
                "record or copy the file again"
            )
        which = (
            "a text or playlist, not a video" if is_text(head) else "not a video that can be read here, nor a picture"
        )
        return f"{self.shown}: is {which}; give an MP4, MKV, AVI, MOV, WebM, TS, MPEG or GIF file"

    def _what_is_missing(self, count: int, played_s: float, promised: float, promised_s: float) -> str | None:
        """Containers only estimate their frame count, so both frames and seconds must be clearly short."""
        is_short = count < promised - max(2.0, 0.02 * promised) and played_s < promised_s * 0.98 - 0.05
        if is_short or self._shortfall.is_given_up:
            return (
                f"{self.shown}: broke off after {count} of about {promised:.0f} frames; record or copy the file again"
            )
        if is_cut(self.path):
            return f"{self.shown}: broke off after {count} frames (its end is missing); record or copy the file again"
        return None


def fps_of(stream: VideoStream) -> float:
    """The stream's own rate, or `DEFAULT_FPS` where it has none."""
    for rate in (stream.average_rate, stream.guessed_rate, stream.codec_context.framerate):
        if rate and 0.1 < rate < 1000:
            return float(rate)
    return DEFAULT_FPS
