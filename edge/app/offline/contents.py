"""What is in a folder that is given to be looked at: its videos, its pictures, and what is passed over."""

from __future__ import annotations

from pathlib import Path

from edge.capture.files import files_in, first_of
from edge.capture.frames import FrameSource
from edge.capture.pictures.images import IMAGE_SUFFIXES
from edge.capture.sources import VIDEO_SUFFIXES, is_to_be_played, open_path
from edge.names import is_left_behind, printable


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
