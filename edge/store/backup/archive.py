"""The file of a backup: a plain tar whose last member, the manifest, has the length and SHA-256 of all others.

The manifest has a SHA-256 of itself, too: against damage, not against whoever makes it anew. Without the manifest a
file is half. Nothing is taken from an archive but regular files of names that a backup has.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from pydantic import TypeAdapter

from edge.errors import ImageError
from edge.store.backup import parts

FORMAT = 1
MANIFEST = "manifest.json"
_MAX_MANIFEST = 512_000_000
_CHUNK = 1 << 20
_NAME = re.compile(
    rf"{re.escape(parts.DATABASE)}|{'|'.join(map(re.escape, parts.FILES))}|blobs/([0-9a-f]{{2}})/(\1[0-9a-f]{{62}})"
    rf"|(?:{'|'.join(parts.FOLDERS)})/[A-Za-z0-9_-][A-Za-z0-9._-]{{0,120}}",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    device_id: str
    made_at: str
    program: str
    epoch: str
    head: int
    people: int
    hits: int
    pictures: int
    format: int = FORMAT
    files: dict[str, tuple[int, str]] = field(default_factory=dict, repr=False)
    """Length and SHA-256 by name."""
    sha256: str = ""
    """Of all else that stands here; empty in backups of version 0.2, whose manifests nothing vouches for."""

    @property
    def num_bytes(self) -> int:
        """Bytes of all files."""
        return sum(length for length, _ in self.files.values())


class _Counted(io.RawIOBase):
    """A stream that can't seek, with a place in it for `tarfile` to ask for."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream, self._at = stream, 0

    def write(self, data: Any, /) -> int:
        """Write all of it."""
        self._stream.write(data)
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        """Bytes written so far."""
        return self._at


class Writer:
    """Writes members to a stream, in one pass."""

    def __init__(self, stream: IO[bytes], tell: Callable[[int], None] = lambda num_bytes: None) -> None:
        """`tell` gets the number of bytes that were written of each piece."""
        self._tell = tell
        # Not "w|": that writes once more when it is collected, to a file that is closed where the disk was full.
        self._tar = tarfile.TarFile(fileobj=_Counted(stream), mode="w", format=tarfile.PAX_FORMAT)
        self.files: dict[str, tuple[int, str]] = {}

    def add(self, name: str, path: Path) -> None:
        """Add a file; one that grows meanwhile is cut at the length it had."""
        with path.open("rb") as file:
            length = path.stat().st_size
            reader = _Hashing(file, self._tell)
            self._tar.addfile(_header(name, length), reader)
            self.files[name] = (length, reader.sha256.hexdigest())

    def finish(self, about: Manifest) -> Manifest:
        """Add the manifest, which makes the file whole; returns it with its own hash."""
        manifest = replace(about, sha256=_own_sha256(asdict(about)))
        data = json.dumps(asdict(manifest)).encode()
        self._tar.addfile(_header(MANIFEST, len(data)), io.BytesIO(data))
        self._tar.close()
        return manifest


def read(stream: IO[bytes], take: Callable[[str, IO[bytes]], tuple[int, str]] | None = None) -> Manifest:
    """Read a whole backup and check every byte; `take` stores a member and returns its length and SHA-256.

    Raises ImageError for a file that is no backup, half, altered, or holds what no backup does.
    """
    found: dict[str, tuple[int, str]] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                data = tar.extractfile(member) if member.isreg() else None
                if data is None or (member.name != MANIFEST and not _NAME.fullmatch(member.name)):
                    raise ImageError(f"it holds {member.name[:80]!r}, which no backup does; nothing was taken from it")
                if member.name == MANIFEST:
                    return _checked(data.read(_MAX_MANIFEST), found)
                if member.name in found:
                    raise ImageError(f"it holds {member.name[:80]!r} twice; nothing was taken from it")
                found[member.name] = (take or count)(member.name, data)
    except (tarfile.TarError, EOFError) as error:
        raise ImageError(f"it is no backup, or a damaged or half one ({error}); take another copy of it") from None
    raise ImageError("it ends before its manifest: only a part of it was copied or written; take another copy of it")


def count(name: str, data: IO[bytes], write: Callable[[bytes], object] = lambda chunk: None) -> tuple[int, str]:
    """Length and SHA-256 of a member; each piece of it goes to `write`."""
    digest, length = hashlib.sha256(), 0
    while chunk := data.read(_CHUNK):
        digest.update(chunk)
        length += len(chunk)
        write(chunk)
    return length, digest.hexdigest()


def _checked(data: bytes, found: dict[str, tuple[int, str]]) -> Manifest:
    try:
        value: dict[str, Any] = json.loads(data)
        is_damaged = value.get("sha256", "") not in ("", _own_sha256(value))
        manifest = TypeAdapter(Manifest).validate_json(data, strict=True)
    except (ValueError, AttributeError, RecursionError):
        raise ImageError("its manifest can't be read; take another copy of it") from None
    if is_damaged:
        raise ImageError("its manifest is not what was written: the file is damaged; take another copy of it")
    if manifest.format != FORMAT:
        raise ImageError(f"it has format {manifest.format}, and this program knows {FORMAT}; use the one that made it")
    if manifest.files != found:
        differs = sorted(name for name in manifest.files.keys() | found if manifest.files.get(name) != found.get(name))
        raise ImageError(f"{differs[0]} is not what was backed up: the file is damaged; take another copy of it")
    wrong = next((name for name, (_, sha256) in found.items() if name[:6] == "blobs/" and name[9:] != sha256), None)
    if wrong is not None or parts.DATABASE not in found:
        raise ImageError(f"{wrong or parts.DATABASE} is missing or not what its name says; take another backup")
    return manifest


def _own_sha256(value: Mapping[str, Any]) -> str:
    """Hash of a manifest as JSON has it, but for the hash itself."""
    told = {name: one for name, one in value.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _header(name: str, length: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode = length, 0o600
    return header


class _Hashing:
    """A file that hashes what is read of it."""

    def __init__(self, file: IO[bytes], tell: Callable[[int], None]) -> None:
        self._file = file
        self._tell = tell
        self.sha256 = hashlib.sha256()

    def read(self, num_bytes: int = -1) -> bytes:
        chunk = self._file.read(num_bytes)
        self.sha256.update(chunk)
        self._tell(len(chunk))
        return chunk
