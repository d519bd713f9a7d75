"""What a file or folder holds: the clips to run, whether each is a recording or pictures, and what is passed over."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from edge.capture.files import files_in, first_of
from edge.capture.frames import FrameSource, SourceFrame
from edge.capture.sources import VIDEO_SUFFIXES, is_to_be_played, open_path
from edge.errors import ImageError
from edge.names import IMAGE_SUFFIXES, is_left_behind, printable
from edge.pixels.resize import resize

MIN_RECORDING_FRAMES = 3
"""With fewer frames no face can be followed (`TrackerSettings.confirm_hits`): they are pictures, not a recording."""
PICTURES = "pictures"
"""Name of the clip of a folder's pictures beside videos."""
THUMB = (24, 32)
MAX_CHANGE = 20.0
"""Mean change, of 255, between neighbours of a recording, shrunk to `THUMB` pixels."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One source of frames, played as a camera of its own."""

    camera: str
    path: Path


def find_clips(source: Path) -> list[Clip]:
    """Split a source into clips: a folder of videos gives one per video, and one of its pictures, if it has some.

    Anything else is one clip by itself.
    """
    if not source.exists():
        raise ImageError(f"{printable(source)}: no such file or folder; check the path")
    if source.is_dir() and (videos := videos_in(source)):
        stems = Counter(path.stem for path in videos)
        made = [Clip(printable(path.stem if stems[path.stem] == 1 else path.name), path) for path in videos]
        return [*made, *([Clip(PICTURES, source)] if pictures_in(source) else [])]
    return [Clip(printable(source.stem) or "clip", source)]


def are_pictures(path: Path, first: Sequence[SourceFrame]) -> bool:
    """Whether a source is no recording, but one picture or a folder of unlike ones, given its first frames.

    Frames of one recording have names that differ in a number alone, one size, and hardly change.
    """
    if len(first) < MIN_RECORDING_FRAMES:
        return True
    if not path.is_dir():
        return False
    names = {re.sub(r"\d+", "0", file.name) for file in pictures_in(path)}
    if len(names) > 1 or len({shot.image.shape for shot in first}) > 1:
        return True
    small = [resize(shot.image, *THUMB).astype(np.float32) for shot in first]
    changes = [float(np.abs(one - other).mean()) for one, other in pairwise(small)]
    return float(np.mean(changes)) > MAX_CHANGE


def passed_over(source: Path) -> list[str]:
    """A sentence for each thing in a folder that is in no clip of it, but for what systems leave behind."""
    if not source.is_dir():
        return []
    known = (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES)
    told = []
    for one in sorted(source.iterdir()):
        if is_left_behind(one.name) or (one.is_file() and one.suffix.lower() in known):
            continue
        why = "is a folder in the folder" if one.is_dir() else "is no picture or video by its ending"
        told.append(f"{printable(one)}: not looked at; it {why}")
    return first_of(told)


def videos_in(folder: Path) -> list[Path]:
    """A folder's videos and GIFs, also those that are named as pictures."""
    return sorted(file for file in files_in(folder) if is_to_be_played(file))


def pictures_in(folder: Path) -> list[Path]:
    """A folder's pictures in natural order, also those that are named as videos; GIFs count as videos."""
    known = (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES)
    return [file for file in files_in(folder) if file.suffix.lower() in known and not is_to_be_played(file)]


def open_clip(path: Path) -> FrameSource:
    """The source of a clip's file or folder, whose videos are clips of their own."""
    return open_path(path, files=pictures_in(path) if path.is_dir() else None)
