"""Our own export: `people.json` and the pictures it names, as one zip or one folder. Safe to read from a stranger.

Nothing is ever unpacked to disk: a member is read by the exact name `people.json` gives, within limits that hold for
the bytes that really come out, not for what the zip's directory claims. Embeddings are not exported: another device
may run another model, and computes its own from the pictures.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, ValidationError

from edge import mistakes
from edge.errors import ImageError, StoreError
from edge.json_keys import require_unique
from edge.records import Person
from edge.strict import Strict

LIST_NAME = "people.json"
MAX_LIST_BYTES = 16 * 1024 * 1024
MAX_PICTURE_BYTES = 32 * 1024 * 1024
MAX_TOTAL_BYTES = 2 * 1024 * 1024 * 1024
MAX_MEMBERS = 100_000
_EPOCH = (1980, 1, 1, 0, 0, 0)
_PICTURE = r"^pictures/[0-9a-f]{64}\.(jpg|png|webp)$"
_MAGIC = ((b"\xff\xd8\xff", "jpg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"RIFF", "webp"))

_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"

Text = Annotated[str, Field(min_length=1, max_length=200, pattern=_PRINTABLE)]


def is_archive(path: Path) -> bool:
    """Whether this is our own export, packed or unpacked, and not a classic data set whose list has the same name."""
    if path.is_file():
        return path.suffix.lower() == ".zip"
    try:
        data = (path / LIST_NAME).read_bytes()[: MAX_LIST_BYTES + 1]
        content = json.loads(data)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and "format" in content


class _Entry(Strict):
    id: Text
    name: Text
    status: Annotated[str, Field(max_length=200, pattern=_PRINTABLE)]
    expires_at: AwareDatetime | None = None
    reason: Text | None = None
    owner: Text | None = None
    pictures: tuple[Annotated[str, Field(pattern=_PICTURE)], ...] = Field(max_length=1000)


class _List(Strict):
    format: Literal["edge-watchlist"]
    version: Literal[1]
    people: tuple[_Entry, ...] = Field(max_length=MAX_MEMBERS)


class Archive:
    """An archive opened for reading: `people` in order, `read` for the bytes of one picture. A context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip = _open_zip(path) if path.is_file() else None
        if self._zip is None and not path.is_dir():
            raise ImageError(f"{path}: no such archive; give the zip or folder that was exported")
        self._spent = 0
        try:
            data = self._bytes(LIST_NAME, MAX_LIST_BYTES)
            content = _List.model_validate_json(data)
            require_unique(data)
        except ValidationError as error:
            self.close()
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "(whole file)"
            raise ImageError(
                f"{path}: {LIST_NAME}: {where}: {mistakes.said(first, _List)}; export the list again"
            ) from None
        except ValueError as error:
            self.close()
            raise ImageError(f"{path}: {LIST_NAME}: {error}; export the list again") from None
        except BaseException:
            self.close()
            raise
        self.people = tuple(Person(e.id, e.name, e.status, e.expires_at, e.reason, e.owner) for e in content.people)
        self._pictures = {entry.id: entry.pictures for entry in content.people}
        if len(self._pictures) != len(self.people):
            self.close()
            raise ImageError(f"{path}: {LIST_NAME} has an id twice; export the list again")

    def pictures(self, person_id: str) -> tuple[str, ...]:
        """Names of the person's pictures, for `read`."""
        return self._pictures[person_id]

    def read(self, name: str) -> bytes:
        """File bytes of one picture, checked against the SHA-256 in its name; raises ImageError."""
        if re.fullmatch(_PICTURE, name) is None:
            raise ImageError(f"{self.path}: {name!r} is no picture of the archive")
        data = self._bytes(name, MAX_PICTURE_BYTES)
        self._spent += len(data)
        if self._spent > MAX_TOTAL_BYTES:
            raise ImageError(f"{self.path}: unpacks to more than {MAX_TOTAL_BYTES} bytes; split the list")
        if hashlib.sha256(data).hexdigest() != Path(name).stem:
            raise ImageError(f"{self.path}: {name} is altered (wrong SHA-256); export the list again")
        return data

    def close(self) -> None:
        """Close the file."""
        if self._zip is not None:
            self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _bytes(self, name: str, limit: int) -> bytes:
        """Read one member; one byte more than `limit` is asked for, so that one larger than it claims is noticed."""
        try:
            if self._zip is not None:
                with self._zip.open(name) as member:
                    data = member.read(limit + 1)
            else:
                file = self.path / name
                # A link in the folder must not lead us to files outside it.
                if file.resolve() != self.path.resolve() / name:
                    raise ImageError(f"{file}: a link; put the picture itself into the folder")
                with file.open("rb") as member:
                    data = member.read(limit + 1)
        except (KeyError, FileNotFoundError):
            raise ImageError(f"{self.path}: {name} is missing; export the list again") from None
        # zipfile says RuntimeError, or a kind of it, of encrypted members and of compressions it does not know.
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise ImageError(f"{self.path}: {name} can't be read ({error}); export the list again") from None
        if len(data) > limit:
            raise ImageError(f"{self.path}: {name} is larger than {limit} bytes; make it smaller")
        return data


def write_archive(path: Path, people: Iterable[tuple[Person, Sequence[bytes]]]) -> int:
    """Write people with the file bytes of their pictures as a zip; returns the number of pictures.

    Equal lists give equal bytes: entries keep their order and carry no time of day. Raises ImageError for bytes that
    are no JPEG, PNG or WebP, and StoreError where the file can't be written.
    """
    part = path.with_name(path.name + ".part")
    written: set[str] = set()
    entries = []
    try:
        # Pictures are packed already; storing them keeps the export fast and its bytes independent of zlib.
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as out:
            for person, pictures in people:
                names = [_picture_name(person, data) for data in pictures]
                for name, data in zip(names, pictures, strict=True):
                    if name not in written:
                        out.writestr(zipfile.ZipInfo(name, _EPOCH), data)
                        written.add(name)
                entries.append(_entry(person, names))
            content = _List(format="edge-watchlist", version=1, people=tuple(entries))
            out.writestr(zipfile.ZipInfo(LIST_NAME, _EPOCH), content.model_dump_json(indent=1).encode())
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: the archive can't be written ({error.strerror}); choose another place") from None
    finally:
        part.unlink(missing_ok=True)
    return len(written)


def _entry(person: Person, names: list[str]) -> _Entry:
    expires = person.expires_at and person.expires_at.astimezone(dt.UTC)
    try:
        return _Entry(
            id=person.person_id,
            name=person.name,
            status=person.status,
            expires_at=expires,
            reason=person.reason,
            owner=person.owner,
            pictures=tuple(names),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ImageError(f"person {person.person_id!r} can't be exported: {first['loc'][0]}: {first['msg']}") from None


def _picture_name(person: Person, data: bytes) -> str:
    for magic, suffix in _MAGIC:
        if data.startswith(magic):
            return f"pictures/{hashlib.sha256(data).hexdigest()}.{suffix}"
    raise ImageError(f"a picture of {person.person_id!r} is no JPEG, PNG or WebP file; enrol it again")


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        opened = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, RuntimeError, ValueError) as error:
        raise ImageError(f"{path}: not a readable zip archive ({error}); export the list again") from None
    if len(opened.filelist) > MAX_MEMBERS:
        opened.close()
        raise ImageError(f"{path}: more than {MAX_MEMBERS} files in it; split the list")
    return opened
