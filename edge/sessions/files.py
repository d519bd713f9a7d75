"""Model files: read and checked as far as no manifest is needed, and loaded where none vouches for them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edge.config import RuntimeConfig
from edge.errors import ModelError
from edge.sessions.header import OnnxHeader, read_header
from edge.sessions.manifest import MAX_OPSET, InputSpec, Precision, Task
from edge.sessions.session import ModelInfo, Session

MAX_FILE_BYTES = 512 * 1024 * 1024
"""A larger file is no model for a small device; it is refused before it is read."""


def load_file(
    path: Path,
    task: Task,
    runtime: RuntimeConfig,
    spec: InputSpec | None = None,
    *,
    precision: Precision = "unknown",
) -> Session:
    """Load an ONNX file that no manifest vouches for (a peer, a path in the configuration); raises ModelError.

    `spec` says how pictures become its input; name and shape of the input are the file's own. `describe()["source"]`
    is then "file".
    """
    data = read_file(path)
    header = header_of(path, data)
    info = ModelInfo(path.stem, task, str(path), hashlib.sha256(data).hexdigest(), precision, "file")
    session = Session(data, header, info, spec or InputSpec(), runtime)
    if len(session.input_shape) != 4 or session.input_shape[1] not in (3, "free"):
        raise ModelError(f"{path}: takes {list(session.input_shape)}, not N, 3, H, W pictures; choose another file")
    session.warm_up()
    return session


def read_file(path: Path) -> bytes:
    """The bytes of a model file, or of another file of a pack; raises ModelError."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(f"{path}: over {MAX_FILE_BYTES} bytes, no model for this box; choose another file")
        data = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{path}: no such model file; restore the pack, or correct the path") from None
    except OSError as error:
        raise ModelError(f"{path}: can't be read ({error.strerror}); check the file and its permissions") from None
    if not data:
        raise ModelError(f"{path}: the model file is empty; restore it")
    return data


def header_of(path: Path, data: bytes) -> OnnxHeader:
    """The header of a model file, of an opset that this runtime knows; raises ModelError."""
    try:
        header = read_header(data)
    except ValueError as error:
        raise ModelError(f"{path}: not a whole ONNX file ({error}); restore it") from None
    if header.opset > MAX_OPSET:
        raise ModelError(f"{path}: opset {header.opset}, the newest we run is {MAX_OPSET}; export it at {MAX_OPSET}")
    return header
