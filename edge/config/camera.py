"""The settings of one camera. Nothing here opens it."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from edge.config.areas import MIN_AREA, Polygon, is_inside
from edge.config.schedule import parse_hours
from edge.config.section import Section, Unit


class MaskConfig(Section):
    """A rectangle painted black in the capture process, before anything else sees a pixel."""

    x: Unit = Field(description="left edge, fraction of the frame's width")
    y: Unit = Field(description="top edge, fraction of the frame's height")
    width: Unit = Field(description="fraction of the frame's width")
    height: Unit = Field(description="fraction of the frame's height")

    @model_validator(mode="after")
    def _covers_something(self) -> MaskConfig:
        if min(self.width, 1 - self.x) * min(self.height, 1 - self.y) < MIN_AREA:
            raise ValueError("covers nothing; give width and height over 0, and a left upper corner inside the picture")
        return self


class CameraConfig(Section):
    """One camera."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$", description="short name, lower case letters, digits, - and _"
    )
    source: str = Field(
        min_length=1,
        description="v4l2:/dev/video0, rtsp://..., http://.../stream.mjpg, picamera:0, csi:0, file:clip.mp4, "
        "folder:frames/",
    )
    loop: bool = Field(False, description="play a file or folder again from its start when it ends")
    realtime: bool = Field(True, description="play a file or folder at its recorded speed")
    fps: float = Field(25.0, gt=0, le=240, description="frames per second asked of a device, or of a folder of images")
    width: int = Field(640, ge=16, le=7680, description="px asked of a device; frames of other sources keep their size")
    height: int = Field(480, ge=16, le=4320, description="px asked of a device")
    aspect: str = Field(
        "auto",
        pattern=r"^(auto|[1-9]\d{0,3}:[1-9]\d{0,3})$",
        description="shape of the whole picture, such as 16:9, for cameras that send none or a wrong one; "
        "auto: as the stream says",
    )
    deinterlace: str = Field(
        "auto",
        pattern="^(auto|on|off)$",
        description="of a file or RTSP camera: auto makes whole pictures of frames that are flagged as interlaced, "
        "on of all, off of none",
    )
    transport: str = Field(
        "auto", pattern="^(auto|tcp|udp)$", description="how RTSP sends pictures; auto asks for TCP, then for UDP"
    )
    open_timeout_s: float = Field(15.0, ge=1, le=120, description="seconds an RTSP camera may take to answer")
    read_timeout_s: float = Field(
        0.0,
        ge=0,
        le=600,
        description="seconds an RTSP camera may be silent; 0: three intervals of its stream, at least stall_after_s",
    )
    stall_after_s: float = Field(
        4.0, gt=0, le=600, description="seconds without a frame after which the capture process is started again"
    )
    masks: tuple[MaskConfig, ...] = Field((), description="rectangles painted black before anything sees the frame")
    mask_polygons: tuple[Polygon, ...] = Field(
        (), description="polygons painted black, too: lists of corners [x, y] in fractions of width and height"
    )
    include_zones: tuple[Polygon, ...] = Field(
        (), description="polygons in one of which the middle of a face must lie to be recognised; none: everywhere"
    )
    exclude_zones: tuple[Polygon, ...] = Field((), description="polygons in which no face is recognised")
    schedule: tuple[str, ...] = Field(
        (),
        description="hours in which faces are recognised, such as mon-fri 07:00-19:00, in site.time_zone; none: always",
    )

    @field_validator("schedule")
    @classmethod
    def _readable(cls, schedule: tuple[str, ...]) -> tuple[str, ...]:
        for entry in schedule:
            parse_hours(entry)
        return schedule

    @field_validator("aspect")
    @classmethod
    def _is_a_picture(cls, aspect: str) -> str:
        width, _, height = aspect.partition(":")
        if aspect != "auto" and not int(height) <= 4 * int(width) <= 16 * int(height):
            raise ValueError("no picture has such a shape; write width:height such as 16:9, or auto")
        return aspect

    def is_in_zones(self, x: float, y: float) -> bool:
        """Whether a face whose middle is there, in fractions of width and height, lies where faces are recognised."""
        if any(is_inside(zone, x, y) for zone in self.exclude_zones):
            return False
        return not self.include_zones or any(is_inside(zone, x, y) for zone in self.include_zones)

    def is_masked(self, x: float, y: float) -> bool:
        """Whether that place is painted black."""
        if any(mask.x <= x <= mask.x + mask.width and mask.y <= y <= mask.y + mask.height for mask in self.masks):
            return True
        return any(is_inside(points, x, y) for points in self.mask_polygons)
