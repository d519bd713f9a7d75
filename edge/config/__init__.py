"""The only configuration: frozen models read from one TOML file and `EDGE_...` environment variables.

section       what every table is
camera, site  a camera; time zone, verdicts, statuses
areas, schedule  polygons in its picture; hours in which it is watched
drawn         polygons that were drawn on the page, in a file of their own
settings      all other tables, and `Config`
file, load    file and environment as plain values; their models, and errors
origins       which file is in use, and what set each key

Unknown keys are refused and the nearest valid key is named. Nothing here opens a camera, a model or a database.
"""

from edge.config.camera import CameraConfig, MaskConfig
from edge.config.load import DEFAULT_PATH, explain, load, pack_link
from edge.config.origins import DEFAULT, Origins, find_origins
from edge.config.section import Section, Unit
from edge.config.settings import (
    PACKAGED_MODELS,
    Config,
    DetectConfig,
    EnhanceConfig,
    ExamineConfig,
    RecogniseConfig,
    RuntimeConfig,
    ServeConfig,
    StoreConfig,
    VisitConfig,
    WatchlistConfig,
)
from edge.config.site import ReviewConfig, SiteConfig, StatusConfig, status_of

__all__ = [
    "DEFAULT",
    "DEFAULT_PATH",
    "PACKAGED_MODELS",
    "CameraConfig",
    "Config",
    "DetectConfig",
    "EnhanceConfig",
    "ExamineConfig",
    "MaskConfig",
    "Origins",
    "RecogniseConfig",
    "ReviewConfig",
    "RuntimeConfig",
    "Section",
    "ServeConfig",
    "SiteConfig",
    "StatusConfig",
    "StoreConfig",
    "Unit",
    "VisitConfig",
    "WatchlistConfig",
    "explain",
    "find_origins",
    "load",
    "pack_link",
    "status_of",
]
