"""The only configuration: frozen models read from one TOML file and `EDGE_...` environment variables.

Unknown keys are refused and the nearest valid key is named. Nothing here opens a camera, a model or a database.
"""

from __future__ import annotations

import contextlib
import difflib
import ipaddress
import os
import sys
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from edge import config_file, disclosure
from edge.camera_config import CameraConfig as CameraConfig
from edge.camera_config import MaskConfig as MaskConfig
from edge.camera_config import Section as Section
from edge.camera_config import Unit
from edge.errors import ConfigError

DEFAULT_PATH = Path("/etc/edge/edge.toml")
_CHECKOUT_MODELS = Path(__file__).resolve().parent.parent / "models" / "quantized"
# A wheel installs the pack as a data file of its environment.
PACKAGED_MODELS = _CHECKOUT_MODELS if _CHECKOUT_MODELS.is_dir() else Path(sys.prefix) / "share" / "edge" / "models"


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
        description="path under which a proxy shows this box, such as /box1; empty: it has a host of its own",
    )
    session_hours: float = Field(12.0, gt=0, le=168, description="hours until a guard must log in again")
    keep_page: bool = Field(False, description="true: while models can't be loaded, serve the page, which says so")
    max_long_polls: int = Field(100, ge=1, le=10_000, description="long polls held open at once; more get 429")
    max_connections: int = Field(400, ge=10, le=100_000, description="connections open at once; more get 429")
    max_connections_per_address: int = Field(
        250, ge=1, le=100_000, description="connections of one address open at once; more get 429"
    )

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
    keep_score: Unit = Field(0.5, description="lower detector score that still continues a track")
    max_side_px: int = Field(640, ge=64, le=4096, description="frames are shrunk to this longer side before detection")
    tiles: int = Field(
        1, ge=1, le=4, description="also search n x n tiles of a frame, n times n the work, for far faces"
    )
    idle_fps: float = Field(2.0, ge=0, le=240, description="searches a second while nothing moves; 0: every frame")
    busy_fps: float = Field(10.0, ge=0, le=240, description="the same while much moves or each face is surely followed")
    min_face_px: float = Field(16.0, ge=4, le=1000, description="shorter box side below which a face is not recognised")


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


class ReviewConfig(Section):
    """Verdicts on hits. Statuses are those of the people on the list."""

    second_person_for: tuple[str, ...] = Field((), description="statuses whose hits a second person has to confirm")
    urgent_for: tuple[str, ...] = Field((), description="statuses whose new hits sound urgent")
    undo_s: float = Field(10.0, ge=0, le=600, description="seconds in which a verdict can be taken back")


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
    examine: ExamineConfig = ExamineConfig()
    runtime: RuntimeConfig = RuntimeConfig()

    @field_validator("data_dir", "models_dir")
    @classmethod
    def _expand(cls, path: Path) -> Path:
        return path.expanduser()

    @model_validator(mode="after")
    def _unique_cameras(self) -> Config:
        names = [camera.name for camera in self.camera]
        if len(set(names)) != len(names):
            raise ValueError("two cameras have the same name")
        return self


def load(path: Path | None = None, environ: dict[str, str] | None = None) -> Config:
    """Read the TOML file (the default one may be absent) and lay `EDGE_...` variables over it; raises ConfigError.

    `EDGE_DATA_DIR` sets `data_dir`, `EDGE_SERVE__PORT` sets `serve.port`, `EDGE_CAMERA` takes the list of cameras as
    JSON. `EDGE_TEST_...` and `EDGE_CONFIG` are not settings.
    """
    env = dict(os.environ) if environ is None else environ
    if path is None and env.get("EDGE_CONFIG"):
        path = Path(env["EDGE_CONFIG"])
    source = path or DEFAULT_PATH
    if path is not None and not source.is_file():
        raise ConfigError(f"{path}: no such configuration file; give its path with --config, or leave --config out")
    values = config_file.read(source if source.is_file() else None, env)
    try:
        return _with_chosen_pack(Config.model_validate(values))
    except ValidationError as error:
        raise ConfigError(disclosure.hide(explain(error, source))) from None


def pack_link(config: Config) -> Path:
    """Where `edge models use` puts its link: models_dir where that is set, else beside the data."""
    return config.models_dir if "models_dir" in config.model_fields_set else config.data_dir / "models" / "current"


def _with_chosen_pack(config: Config) -> Config:
    """Use the link that `edge models use` made, even a dangling one: a missing pack must be reported."""
    link = pack_link(config)
    with contextlib.suppress(OSError):  # the folder belongs to another user; the code that needs it reports that
        if "models_dir" not in config.model_fields_set and link.is_symlink():
            config = config.model_copy(update={"models_dir": link})
            config.model_fields_set.discard("models_dir")  # pydantic counts this as set by the user, who did not set it
    return config


def explain(error: ValidationError, source: Path) -> str:
    """One paragraph for the first problem: file, key, and the nearest valid key where one was misspelt."""
    # A misspelt key often shows as a missing one too; the misspelling is what the reader has to see.
    first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"]) or "(whole file)"
    if first["type"] == "extra_forbidden":
        valid = _keys_at(first["loc"][:-1])
        near = difflib.get_close_matches(str(first["loc"][-1]), valid, n=1, cutoff=0.0)
        return f"{source}: unknown setting {where!r}; did you mean {near[0]!r}? Valid here: {', '.join(valid)}"
    more = f" ({error.error_count() - 1} more problems after it)" if error.error_count() > 1 else ""
    given = "" if first["type"] == "missing" else f" = {first['input']!r}"
    return f"{source}: {where}{given}: {first['msg']}{more}"


def _keys_at(loc: tuple[int | str, ...]) -> list[str]:
    """Valid keys of the table at `loc`."""
    model: type[BaseModel] = Config
    for part in loc:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation
        args = getattr(annotation, "__args__", ())
        model = args[0] if args else annotation  # type: ignore[assignment]
    return sorted(model.model_fields)
