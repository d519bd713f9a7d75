"""What is in a folder that is given to be looked at: its videos, its pictures, and what is passed over."""

from __future__ import annotations

from pathlib import Path

from edge.capture.files import files_in, first_of
from edge.capture.frames import FrameSource
from edge.capture.pictures.images import IMAGE_SUFFIXES
from edge.capture.sources import VIDEO_SUFFIXES, open_path
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


def pictures_in(folder: Path) -> list[Path]:
    """A folder's pictures; GIFs count as videos."""
    return [
        file
        for file in files_in(folder)
        if file.suffix.lower() in IMAGE_SUFFIXES and file.suffix.lower() not in VIDEO_SUFFIXES
    ]


def open_clip(path: Path) -> FrameSource:
    """The source of a clip's file or folder, whose videos are clips of their own."""
    return open_path(path, but_not=VIDEO_SUFFIXES)
