"""What faces were like when a camera was commissioned: `commission/CAMERA.json` in the data directory.

Numbers of distances, never of a person. The drift of later days is held against them.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from edge import durable, state_file
from edge.app.people.sheets import FOLDER

log = logging.getLogger(__name__)


class Row(Protocol):
    """One distance of a sheet, in one light."""

    @property
    def eye_px(self) -> float: ...
    @property
    def luma(self) -> float: ...
    @property
    def sharpness(self) -> float: ...
    @property
    def is_recognised(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Accepted:
    """Faces at the distances at which the walker was recognised: the middle size, the least light and sharpness.

    Who passes shows the best shot of a whole stay, at any hour: what one distance or light alone had must not count.
    """

    at: str
    """RFC 3339."""
    size_px: float
    """Distance of the eyes."""
    luma: float
    sharpness: float

    def day(self, zone: dt.tzinfo | None) -> str:
        """The day of the walk, where the camera is."""
        return dt.datetime.fromisoformat(self.at).astimezone(zone).date().isoformat()


def accepted_of(rows: Sequence[Row], at: dt.datetime) -> Accepted | None:
    """What a walk's distances say; None where the walker was recognised at none."""
    known = [row for row in rows if row.is_recognised]
    if not known:
        return None
    return Accepted(
        at.isoformat(timespec="milliseconds"),
        round(statistics.median(row.eye_px for row in known), 2),
        round(min(row.luma for row in known), 4),
        round(min(row.sharpness for row in known), 4),
    )


def write_accepted(data_dir: Path, camera: str, accepted: Accepted) -> None:
    """Keep what a camera was accepted with; OSError where the disk does not take it."""
    (data_dir / FOLDER).mkdir(exist_ok=True)
    durable.replace(data_dir / FOLDER / f"{camera}.json", json.dumps(asdict(accepted)).encode())


def read_accepted(data_dir: Path, camera: str) -> Accepted | None:
    """What a camera was accepted with; None where it never was, or where the file is damaged, which is logged."""
    path = data_dir / FOLDER / f"{camera}.json"
    try:
        found = state_file.read(path, Accepted)
        if not 1 < dt.datetime.fromisoformat(found.at).year < 9999:  # there each zone has a day
            raise ValueError(f"{found.at[:40]!r} is no time of a walk")
        if min(found.size_px, found.luma, found.sharpness) < 0:
            raise ValueError("a number is below 0")
        return found
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log.warning("%s can't be read (%s); faces are compared with the first week alone", path, error)
        return None
