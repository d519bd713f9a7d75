"""Zones and masks that were drawn on the page: `areas.toml` in the data directory, beside the configuration file.

They are added to what the file says and take nothing of it away. A file that can't be read stops the start: a box must
never run without its privacy masks.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from edge import durable
from edge.config.areas import Polygon
from edge.config.camera import CameraConfig
from edge.config.section import Section
from edge.config.settings import Config
from edge.errors import ConfigError

FILE = "areas.toml"
MAX_POLYGONS = 16
DIGITS = 4
"""Decimals that are kept: a ten-thousandth of a frame is less than a pixel."""
_HEAD = (
    "# Drawn on the page, which writes this file anew at each change. Added to the configuration file's own areas.\n"
)

Polygons = Annotated[tuple[Polygon, ...], Field(max_length=MAX_POLYGONS)]


class DrawnAreas(Section):
    """What was drawn for one camera."""

    mask_polygons: Polygons = ()
    include_zones: Polygons = ()
    exclude_zones: Polygons = ()

    @property
    def version(self) -> str:
        """A short text that is another for other areas."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


KINDS = tuple(DrawnAreas.model_fields)


def read(data_dir: Path) -> dict[str, DrawnAreas]:
    """What was drawn, by camera; ConfigError where the file can't be read."""
    path = data_dir / FILE
    why: Exception
    try:
        text = path.read_text("utf-8")
        found: dict[str, Any] = tomllib.loads(text)
        if not text.strip():
            raise ValueError("it is empty, as the page never leaves it")
        if others := sorted(found.keys() - {"camera"}):
            raise ValueError(f"{others[0]!r} has no place in it")
        stored: Mapping[str, Any] = found.get("camera", {})
        return {str(name): DrawnAreas.model_validate(areas) for name, areas in stored.items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError as error:
        if not _can_be_seen(path):
            return {}  # the data directory is another user's; what needs it says so
        why, what_to_do = error, "give it to the user that the service runs as (chown)"
    except (OSError, ValueError, AttributeError, RecursionError, ValidationError) as error:
        why, what_to_do = error, "correct that place, or remove the file and draw them anew"
    raise ConfigError(
        f"{path}: zones and masks drawn on the page can't be read ({' '.join(str(why).split())}); {what_to_do}"
    )


def _can_be_seen(path: Path) -> bool:
    """Whether a file is there as far as this user can tell, such as one that was copied by another."""
    try:
        return path.exists()
    except PermissionError:
        return False


def write(data_dir: Path, drawn: Mapping[str, DrawnAreas]) -> None:
    """Replace the file in one step; OSError where the disk does not take it."""
    lines = [_HEAD]
    for name, areas in sorted(drawn.items()):
        lines.append(f"\n[camera.{name}]\n")
        lines += [f"{kind} = {json.dumps(rounded(getattr(areas, kind)))}\n" for kind in KINDS if getattr(areas, kind)]
    durable.replace(data_dir / FILE, "".join(lines).encode())


def rounded(polygons: tuple[Polygon, ...]) -> list[list[list[float]]]:
    """Corners with as many decimals as are kept."""
    return [[[round(x, DIGITS), round(y, DIGITS)] for x, y in points] for points in polygons]


def with_drawn(config: Config) -> Config:
    """The configuration with what was drawn on the page; ConfigError where that can't be read."""
    drawn = read(config.data_dir)
    if not drawn:
        return config
    cameras = tuple(added(camera, drawn[camera.name]) if camera.name in drawn else camera for camera in config.camera)
    return config.model_copy(update={"camera": cameras})


def left_over(config: Config) -> dict[str, DrawnAreas]:
    """What was drawn for cameras that the configuration does not name, and so is not in force."""
    names = {camera.name for camera in config.camera}
    return {name: areas for name, areas in read(config.data_dir).items() if name not in names and areas != DrawnAreas()}


def added(camera: CameraConfig, areas: DrawnAreas) -> CameraConfig:
    """A camera with these areas beside its own."""
    return camera.model_copy(update={kind: (*getattr(camera, kind), *getattr(areas, kind)) for kind in KINDS})
