"""The shared-memory ring, with a writer in a process of its own as in the service."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.arrays import MAX_PIXELS
from edge.capture.planes import Planes
from edge.capture.ring import ControlWord, Phase, RingReader, RingWriter
from edge.capture.slots import NUM_SLOTS, Kind, SlotWord
from edge.errors import ImageError
from tests.support.media import flat

WRITER = """
import sys, time
import numpy as np
from edge.capture.ring import RingWriter
writer = RingWriter(int(sys.argv[1]), int(sys.argv[2]))
end = time.monotonic() + float(sys.argv[3])
number = writer.get(0)
while time.monotonic() < end:
    number += 1
    size = (200 + number % 5 * 60, 300 + number % 7 * 30, 3)
    assert writer.write(np.full(size, number % 251, np.uint8), number * 3, number, number / 8) == number
print(number)
"""


@pytest.fixture
def ring() -> Iterator[RingReader]:
    reader = RingReader()
    yield reader
    reader.close()


def start_writer(ring: RingReader, seconds: float) -> subprocess.Popen[str]:
    args = [sys.executable, "-c", WRITER, *map(str, ring.fds), str(seconds)]
    return subprocess.Popen(args, stdout=subprocess.PIPE, text=True, pass_fds=ring.fds)


def check(frame_number: int, image: np.ndarray) -> None:
    """Every pixel is of the same frame, and so is the size."""
    assert image.shape == (200 + frame_number % 5 * 60, 300 + frame_number % 7 * 30, 3)
    assert int(image.min()) == int(image.max()) == frame_number % 251


def test_a_torn_frame_is_never_returned_while_a_writer_races(ring: RingReader) -> None:
    writer = start_writer(ring, 2.0)
    seen: list[int] = []
    while writer.poll() is None or ring.get(ControlWord.TAKEN) < ring.get(ControlWord.WRITTEN):
        frame = ring.newest(0.05)
        if frame is None:
            continue
        if len(seen) % 3 == 0:
            time.sleep(0.004)  # many frames are written meanwhile
        check(frame.number, frame.pixels.glance.pixels)
        check(frame.number, frame.image)
        assert (frame.captured_ns, frame.mono_ns) == (frame.number * 3, frame.number)
        assert frame.media_s == pytest.approx(frame.number / 8)
        seen.append(frame.number)
    out, _ = writer.communicate()
    assert seen == sorted(set(seen))
    assert len(seen) > 20
    assert seen[-1] == int(out)
    assert ring.dropped == int(out) - len(seen)


def test_a_writer_killed_at_any_moment_leaves_whole_frames_and_the_next_goes_on(ring: RingReader) -> None:
    last = 0
    for delay_s in (0.0, 0.003, 0.011, 0.02):
        writer = start_writer(ring, 30.0)
        frame = ring.newest(10.0)
        assert frame is not None
        time.sleep(delay_s)
        writer.kill()
        writer.communicate()
        while frame is not None:
            check(frame.number, frame.image)
            assert frame.number > last
            last = frame.number
            frame = ring.newest(0.0)
        assert last == ring.get(ControlWord.WRITTEN)


def test_a_frame_overtaken_before_it_could_be_held_is_not_returned(ring: RingReader) -> None:
    writer = RingWriter(*ring.fds)
    for value in range(1, NUM_SLOTS):
        writer.write(flat(value), 0, 0, None)
    assert ring._hold(1) is None, "the writer may be at its slot"
    assert ring._hold(0) is None, "there is no such frame"
    held = ring._hold(2)
    assert held is not None
    assert int(held.image[0, 0, 0]) == 2
    writer.close()


def test_a_frame_is_read_where_it_lies_and_the_writer_passes_it_over(ring: RingReader) -> None:
    writer = RingWriter(*ring.fds)
    writer.write(flat(1), 0, 0, None)
    first = ring.newest(0.0)
    assert first is not None
    lies_here = first.pixels.glance.pixels
    for value in range(2, 3 * NUM_SLOTS):
        writer.write(flat(value), 0, 0, None)
        assert int(lies_here.min()) == int(lies_here.max()) == 1
    last = ring.newest(0.0)
    assert last is not None
    assert int(last.pixels.glance.pixels[0, 0, 0]) == 3 * NUM_SLOTS - 1
    assert ring.get(ControlWord.HELD) > 0
    for value in range(100, 100 + NUM_SLOTS):
        writer.write(flat(value), 0, 0, None)
    assert int(lies_here[0, 0, 0]) >= 100, "in place, not a copy: given back, its slot was written again"
    writer.close()


def test_a_frame_given_back_has_no_pixels_but_an_image_made_before(ring: RingReader) -> None:
    writer = RingWriter(*ring.fds)
    frames = []
    for value in (1, 2):
        writer.write(flat(value), 0, 0, None)
        frames.append(ring.newest(0.0))
        if value == 1:
            assert int(frames[0].image[0, 0, 0]) == 1
    assert ring.newest(0.0) is None
    assert int(frames[0].image.max()) == 1
    for ask in (lambda: frames[0].pixels.glance, lambda: frames[1].image):
        with pytest.raises(RuntimeError, match="given back"):
            ask()
    assert ring.get(ControlWord.HELD) == 0
    writer.close()


@pytest.mark.parametrize("height", [40, 42])
def test_a_kept_frame_outlives_its_slot(ring: RingReader, height: int) -> None:
    writer, rng = RingWriter(*ring.fds), np.random.default_rng(2)
    y, u, v = (rng.integers(0, 256, size, np.uint8) for size in ((height, 64), (height // 2, 32), (height // 2, 32)))
    for pixels in (Planes(y, u, v, is_full_range=False), flat(3)):
        writer.write(pixels, 0, 0, None)
        frame = ring.newest(0.0)
        assert frame is not None
        kept = frame.pixels.keep()
        for _ in range(NUM_SLOTS + 1):
            writer.write(flat(200), 0, 0, None)
            ring.newest(0.0)
        expected = pixels.to_bgr() if isinstance(pixels, Planes) else pixels
        assert np.array_equal(kept.image, expected)
    writer.close()


def test_planes_cross_as_they_are_and_mix_with_images(ring: RingReader) -> None:
    writer = RingWriter(*ring.fds)
    rng = np.random.default_rng(1)
    for is_full_range in (False, True):
        y, u, v = (rng.integers(0, 256, size, np.uint8) for size in ((40, 64), (20, 32), (20, 32)))
        padded = np.zeros((40, 80), np.uint8)
        padded[:, :64] = y
        writer.write(Planes(padded[:, :64], u, v, is_full_range), 0, 0, None)
        frame = ring.newest(0.0)
        assert frame is not None
        glance = frame.pixels.glance
        assert np.array_equal(glance.pixels, y)
        assert glance.span == ((0, 255) if is_full_range else (16, 235))
        assert frame.pixels.shape == frame.image.shape == (40, 64, 3)
        assert np.array_equal(frame.image, Planes(y, u, v, is_full_range).to_bgr())
        writer.write(flat(9, 7, 5), 0, 0, None)
        frame = ring.newest(0.0)
        assert frame is not None
        assert np.array_equal(frame.image, flat(9, 7, 5))
    writer.close()


def test_a_frame_that_a_killed_writer_filled_and_did_not_publish_is_never_taken(ring: RingReader) -> None:
    writer = RingWriter(*ring.fds)
    writer.write(flat(1), 0, 0, None)
    words = writer._memory.slots[writer._free_slot()]
    words[SlotWord.NUMBER] = 2  # as far as the killed one came
    writer.close()
    writer = RingWriter(*ring.fds)
    assert writer.write(flat(7), 0, 0, None) == 2
    frame = ring.newest(0.0)
    assert frame is not None
    assert (frame.number, int(frame.image[0, 0, 0])) == (2, 7)
    writer.close()


@pytest.mark.parametrize(
    "words",
    [
        {SlotWord.HEIGHT: 2**40},
        {SlotWord.HEIGHT: 0},
        {SlotWord.WIDTH: -4},
        {SlotWord.KIND: 7},
        {SlotWord.KIND: Kind.VIDEO_RANGE, SlotWord.HEIGHT: 5},
    ],
)
def test_a_frame_whose_words_make_no_sense_is_not_returned_and_the_next_one_is(
    ring: RingReader, words: dict[SlotWord, int]
) -> None:
    writer = RingWriter(*ring.fds)
    writer.write(flat(1), 0, 0, None)
    slot = next(one for one in writer._memory.slots if one[SlotWord.NUMBER] == 1)
    for word, value in words.items():
        slot[word] = value
    assert ring.newest(0.0) is None
    writer.write(flat(2), 0, 0, None)
    frame = ring.newest(0.0)
    assert frame is not None
    assert int(frame.image[0, 0, 0]) == 2
    writer.close()


def test_the_newest_wins_each_frame_comes_once_and_dropped_ones_are_counted(ring: RingReader) -> None:
    writer = RingWriter(*ring.fds)
    for value in (1, 2, 3):
        writer.write(flat(value), 0, 0, None)
    frame = ring.newest(0.0)
    assert frame is not None
    assert (frame.number, int(frame.image[0, 0, 0]), frame.media_s) == (3, 3, None)
    assert ring.newest(0.0) is None
    writer.write(flat(4), 0, 0, None)
    writer.write(flat(9, 7, 5), 0, 0, 0.25)
    frame = ring.newest(0.0)
    assert frame is not None
    assert (frame.image.shape, frame.media_s, ring.dropped) == ((7, 5, 3), 0.25, 3)
    for _ in range(NUM_SLOTS):
        writer.write(flat(7), 0, 0, None)
    ring.newest(0.0)
    assert int(frame.image[0, 0, 0]) == 9  # a copy: later frames don't change it
    writer.close()


def test_waiting_ends_with_a_frame_or_when_woken(ring: RingReader) -> None:
    writer = RingWriter(*ring.fds)
    threading.Timer(0.1, lambda: writer.write(flat(1), 0, 0, None)).start()
    assert ring.newest(20.0) is not None
    threading.Timer(0.1, ring.wake).start()
    start = time.monotonic()
    assert ring.newest(200.0) is None
    assert time.monotonic() - start < 100
    writer.close()


def test_words_and_text_cross_and_a_half_written_text_is_not_shown(ring: RingReader) -> None:
    writer = RingWriter(*ring.fds)
    writer.set_phase(Phase.WAITING, "no route to the cämera")
    assert ring.text() == "no route to the cämera"
    assert Phase(ring.get(ControlWord.PHASE)) == Phase.WAITING
    writer.put(ControlWord.TEXT_VERSION, writer.get(ControlWord.TEXT_VERSION) + 1)
    assert ring.text() == ""
    ring.reset()
    assert (ring.text(), ring.get(ControlWord.PHASE)) == ("", Phase.STARTING)
    writer.set_phase(Phase.WAITING, "x" * 9000)
    assert set(ring.text()) == {"x"}
    writer.close()


def test_a_frame_over_the_limit_is_refused(ring: RingReader) -> None:
    writer = RingWriter(*ring.fds)
    huge = np.broadcast_to(np.zeros(3, np.uint8), (MAX_PIXELS // 1000 + 1, 1000, 3))
    with pytest.raises(ImageError, match="more than"):
        writer.write(huge, 0, 0, None)
    writer.close()


def test_nothing_has_a_name_and_nothing_is_left_open() -> None:
    def held() -> tuple[int, list[Path]]:
        return len(list(Path("/proc/self/fd").iterdir())), sorted(Path("/dev/shm").glob("edge*"))

    before = held()
    for _ in range(5):
        RingReader().close()
    assert held() == before
