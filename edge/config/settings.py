"""The settings of one device: frozen models, table by table, each value with limits, default and a sentence."""

from __future__ import annotations

import ipaddress
import re
import sys
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from edge.config.camera import CameraConfig
from edge.config.section import Section, Unit
from edge.config.site import ReviewConfig, SiteConfig, StatusConfig
from edge.errors import ConfigError
from edge.names import same_spelling

_CHECKOUT_MODELS = Path(__file__).resolve().parent.parent.parent / "models" / "quantized"
# A wheel installs the pack as a data file of its environment.
PACKAGED_MODELS = _CHECKOUT_MODELS if _CHECKOUT_MODELS.is_dir() else Path(sys.prefix) / "share" / "edge" / "models"

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")


class ServeConfig(Section):
    """The local page and the pull feed."""

    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="TCP port; 0 takes a free one")
    tls: str = Field(
        "auto", pattern="^(auto|on|off)$", description="auto: encrypted when listening beyond this machine itself"
    )
    tls_cert: Path | None = Field(None, description="certificate chain (PEM); left out: the box makes its own")
    tls_key: Path | None = Field(None, description="its private key (PEM)")
    client_ca: Path | None = Field(None, description="authority (PEM) whose certificate every client must hold")
    trusted_proxies: tuple[str, ...] = Field(
        (),
        description="addresses or networks of proxies in front of this box, such as 127.0.0.1 or 10.0.0.0/24; what "
        "others say in Forwarded or X-Forwarded-... is not believed",
    )
    root_path: str = Field(
        "",
        pattern=r"^((/[A-Za-z0-9._~-]+)+)?$",
        description="path under which a proxy shows this box, such as /box1; empty: at the root of its address",
    )
    session_hours: float = Field(12.0, gt=0, le=168, description="hours until a guard must log in again")
    keep_page: bool = Field(False, description="true: while models can't be loaded, serve the page, which says so")
    max_long_polls: int = Field(100, ge=1, le=10_000, description="long polls held open at once; more get 429")
    max_connections: int = Field(400, ge=10, le=100_000, description="connections open at once; more get 429")
    max_connections_per_address: int = Field(
        250, ge=1, le=100_000, description="connections of one address open at once; more get 429"
    )
    consumer_warn_minutes: float = Field(
        60.0,
        ge=0,
        le=525_600,
        description="minutes without a pull by anybody with a token for alerts, after which the box warns; 0: never",
    )

    @field_validator("host")
    @classmethod
    def _is_host(cls, host: str) -> str:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            if not _HOST_NAME.fullmatch(host):
                raise ValueError(
                    "is no address or host name; give one without scheme, port or brackets, such as 0.0.0.0, :: or "
                    "localhost, and the port in serve.port"
                ) from None
        return host

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            ipaddress.ip_network(text, strict=False)
        return texts


class DetectConfig(Section):
    """Finding faces."""

    model: str = Field("default", description="model of the pack, haar, or a path to a YuNet-format ONNX file")
    min_score: Unit = Field(0.6, description="detector score a face needs to begin a track, or to be listed")
    keep_score: Unit = Field(
        0.5, description="lower detector score that still continues a track, for 75 frames at most"
    )
    max_side_px: int = Field(
        640, ge=64, le=4096, description="frames, or parts of them, are shrunk to this longer side"
    )
    tiles: int = Field(
        1, ge=1, le=4, description="also search n x n tiles of a frame, n times n the work, for far faces"
    )
    idle_fps: float = Field(1.0, ge=0, le=240, description="searches a second while nothing moves; 0: every frame")
    busy_fps: float = Field(
        10.0,
        ge=0,
        le=240,
        description="searches a second while much moves, or while each face is surely followed; "
        "a third of that once each face has given max_shots",
    )
    min_face_px: float = Field(
        16.0, ge=4, le=1000, description="px of the shorter side of a face's box, below which it is not recognised"
    )

    @property
    def search_score(self) -> float:
        """The score that a search of a frame has to go down to, so that tracks begin and go on."""
        return min(self.keep_score, self.min_score)


class RecogniseConfig(Section):
    """Deciding who it is. Unknown is the default answer."""

    model: str = Field("default", description="embedder of the model pack")
    min_similarity: float = Field(0.5, ge=-1, le=1, description="cosine similarity a match needs")
    min_margin: float = Field(0.06, ge=0, le=2, description="lead over the runner-up person a match needs")
    min_shots: int = Field(4, ge=1, le=50, description="good crops of one track before it is matched")
    max_shots: int = Field(10, ge=1, le=50, description="best crops of one track that are kept and fused")
    min_quality: float = Field(5.0, ge=0, le=100, description="quality score a crop needs to count")


class VisitConfig(Section):
    """One hit per person, camera and stay."""

    gap_s: float = Field(30.0, gt=0, le=86_400, description="seconds unseen after which a stay is over")
    update_every_s: float = Field(
        2.0, ge=0, le=3600, description="seconds between two updates of a hit that bring no clearly better picture"
    )


class EnhanceConfig(Section):
    """Changing pixels for eyes."""

    mode: str = Field(
        "auto", pattern="^(auto|off)$", description="auto plans steps by measured faults; off never changes a pixel"
    )
    generative: bool = Field(
        False, description="let auto take steps that draw detail no camera saw, for eyes only and always labelled"
    )
    frame_ms: float = Field(
        80.0, ge=0, le=10_000, description="ms that enhancement may take per frame; less while the box is behind or hot"
    )


class StoreConfig(Section):
    """What is kept and for how long."""

    max_age_days: float = Field(30.0, gt=0, le=3650, description="days a hit is kept")
    max_image_bytes: int = Field(2_000_000_000, ge=1_000_000, description="bytes of pictures kept; the oldest go first")
    min_free_bytes: int = Field(200_000_000, ge=0, description="free disk bytes below which pictures are deleted")


class ExamineConfig(Section):
    """Examining files that are dropped on the page."""

    max_upload_bytes: int = Field(500_000_000, ge=1_000_000, description="largest size of an uploaded file in bytes")
    max_seconds: float = Field(1800.0, gt=0, le=86_400, description="CPU seconds after which an examination is stopped")
    keep_hours: float = Field(24.0, gt=0, le=8760, description="hours the results are kept; the file itself is not")


class WatchlistConfig(Section):
    """Trusting the list."""

    max_age_days: float = Field(
        0.0, ge=0, le=3650, description="days without change or confirmation after which alerts stop; 0: never"
    )


class RuntimeConfig(Section):
    """Threads and logs."""

    threads: int = Field(2, ge=1, le=64, description="threads one model may use")
    provider: str = Field("auto", description="onnxruntime execution provider, or auto")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="lowest level that is logged")


class Config(Section):
    """All settings of one device."""

    data_dir: Path = Field(Path("/var/lib/edge"), description="folder of the database and the kept pictures")
    models_dir: Path = Field(
        PACKAGED_MODELS,
        description="folder of the model pack and its manifest.json; left out: what `edge models use` chose, "
        "else the packaged pack",
    )
    signers: Path | None = Field(
        None, description="OpenSSH public keys, one a line; with it only packs signed by one of them are pulled"
    )
    box_id: str = Field("", max_length=64, description="name of this box in every hit; empty: made once and kept")
    serve: ServeConfig = ServeConfig()
    camera: tuple[CameraConfig, ...] = ()
    detect: DetectConfig = DetectConfig()
    recognise: RecogniseConfig = RecogniseConfig()
    visit: VisitConfig = VisitConfig()
    enhance: EnhanceConfig = EnhanceConfig()
    store: StoreConfig = StoreConfig()
    watchlist: WatchlistConfig = WatchlistConfig()
    review: ReviewConfig = ReviewConfig()
    site: SiteConfig = SiteConfig()
    status: dict[str, StatusConfig] = Field(default_factory=dict)
    examine: ExamineConfig = ExamineConfig()
    runtime: RuntimeConfig = RuntimeConfig()

    def require_camera(self) -> None:
        """Raise ConfigError where there is none: the service would watch nothing."""
        if not self.camera:
            raise ConfigError(
                "no camera is configured: run `edge setup`, or add a [[camera]] table with name and source to the "
                "configuration file"
            )

    @field_validator("data_dir", "models_dir", mode="before")
    @classmethod
    def _names_a_folder(cls, given: object) -> object:
        if given == "":
            raise ValueError("is empty; give a folder, or leave the setting out")
        return given

    @field_validator("data_dir", "models_dir")
    @classmethod
    def _expand(cls, path: Path) -> Path:
        return path.expanduser()

    @field_validator("box_id")
    @classmethod
    def _can_be_shown(cls, name: str) -> str:
        if not name.isprintable() or name != name.strip():
            raise ValueError("has a line break, another control character, or a blank at an end; take it out")
        return name

    @field_validator("status")
    @classmethod
    def _unique_statuses(cls, tables: dict[str, StatusConfig]) -> dict[str, StatusConfig]:
        known: dict[str, str] = {}
        for name in tables:
            other = known.setdefault(same_spelling(name), name)
            if other != name:
                raise ValueError(f"{other!r} and {name!r} are one status, written in two ways; keep one table")
        return tables

    @model_validator(mode="after")
    def _unique_cameras(self) -> Config:
        names = [camera.name for camera in self.camera]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two cameras are called {twice[0]!r}: give each a name of its own")
        return self
