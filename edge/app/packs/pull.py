"""`edge models pull`: fetches a pack from an address, an archive or a folder, and installs it after all checks.

Order matters: hash and signature are over the archive, so nothing is unpacked that nobody vouches for; then only the
files that the manifest names are taken, and every model must load and answer as promised.
"""

from __future__ import annotations

import hashlib
import http.client
import lzma
import re
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from edge.config import Config
from edge.enhance.benefit import BENEFIT_FILE
from edge.enhance.view import VIEW_FILE
from edge.errors import ImageError, ModelError, ServiceError, StoreError
from edge.ops.packs.shelf import Shelf
from edge.ops.release.signing import check_ssh, read_signers
from edge.sessions import Pack
from edge.sessions.manifest import MANIFEST, read_manifest

MAX_ARCHIVE_BYTES = 2 * 1024**3
MAX_SIGNATURE_BYTES = 64 * 1024
TIMEOUT_S = 30.0
_PART = 1 << 20


@dataclass(frozen=True, slots=True)
class Pulled:
    """A pack that was fetched and is not yet in use."""

    name: str
    path: Path
    sha256: str | None
    """Of the archive; None for a folder."""
    is_signed: bool


def pull(
    config: Config, source: str, *, sha256: str | None = None, signature: str | None = None, name: str | None = None
) -> Pulled:
    """Fetch, check and shelve a pack; nothing is left behind where a check fails.

    Raises ImageError for a wrong hash or signature or a bad archive, ModelError for a pack that does not keep its
    promises, ServiceError where the address does not answer, StoreError where there is no room.
    """
    source, sha256 = _pin(source, sha256)
    shelf = Shelf(config)
    with shelf.locked():
        try:
            with tempfile.TemporaryDirectory(prefix=".incoming-", dir=shelf.folder) as folder:
                scratch = Path(folder)
                unpacked = scratch / "pack"
                unpacked.mkdir(mode=0o755)
                if Path(source).is_dir():
                    _refuse_unsigned_folder(config, source)
                    found, is_signed = None, False
                    _take(unpacked, {path.name: path for path in Path(source).iterdir() if path.is_file()})
                else:
                    archive = _fetch(source, scratch / "archive")
                    found = _check_hash(archive, source, sha256)
                    is_signed = _check_signature(config, archive, source, signature, scratch)
                    _unpack(archive, unpacked, source)
                verify(config, unpacked)
                name = name or f"pack-{Pack.open(unpacked).digest()[:12]}"
                return Pulled(name, shelf.place(unpacked, name), found, is_signed)
        except OSError as error:
            raise StoreError(
                f"{shelf.folder}: can't take the pack ({error.strerror or error}); free some space"
            ) from None


def _pin(source: str, sha256: str | None) -> tuple[str, str | None]:
    """Return source and hash; an address must have a hash, and may carry it as `#sha256=...`."""
    source, _, pinned = source.partition("#sha256=")
    sha256 = (sha256 or pinned or "").lower() or None
    if sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ImageError(f"{sha256[:80]!r} is no SHA-256: give its 64 hexadecimal digits")
    if _is_address(source) and sha256 is None:
        raise ImageError(f"{source}: an address must be pinned: give --sha256, or add #sha256=... to it")
    return source, sha256


def _is_address(source: str) -> bool:
    return urllib.parse.urlsplit(source).scheme in ("http", "https")


def _fetch(source: str, target: Path, limit: int = MAX_ARCHIVE_BYTES) -> Path:
    """Return the local file, or download the address to `target`."""
    if not _is_address(source):
        path = Path(source)
        if not path.is_file():
            raise ImageError(f"{source}: no such file; give an archive, a folder with {MANIFEST}, or an https address")
        return path
    try:
        with urllib.request.urlopen(source, timeout=TIMEOUT_S) as answer, target.open("wb") as file:
            _copy(answer, file, limit, source)
    except urllib.error.HTTPError as error:
        raise ServiceError(f"{source}: the server answers {error.code} {error.reason}; check the address") from None
    except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
        why = getattr(error, "reason", error)
        raise ServiceError(
            f"{source}: can't be fetched ({why}); check network and address, or bring the file"
        ) from None
    return target


def _copy(source: IO[bytes], target: IO[bytes], limit: int, name: str) -> None:
    done = 0
    while part := source.read(_PART):
        done += len(part)
        if done > limit:
            raise ImageError(f"{name}: more than {limit:,} bytes; that is no model pack")
        target.write(part)


def _check_hash(archive: Path, source: str, sha256: str | None) -> str:
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 is not None and found != sha256:
        raise ImageError(f"{source}: its SHA-256 is {found}, {sha256} was asked for; fetch it again, or pin another")
    return found


def _check_signature(config: Config, archive: Path, source: str, signature: str | None, scratch: Path) -> bool:
    """Check the signature, if there is one; with `signers` set there must be one. Return whether it was checked."""
    if config.signers is None:
        if signature is not None:
            raise ImageError("--signature can't be judged: set `signers` to a file of public keys in the configuration")
        return False
    where = signature or f"{source}.sig"
    if not _is_address(where) and not Path(where).is_file():
        raise ImageError(
            f"{where}: no signature there, and `signers` asks for one; fetch it, or name it by --signature"
        )
    armored = _fetch(where, scratch / "signature", MAX_SIGNATURE_BYTES).read_bytes()
    check_ssh(archive, armored, read_signers(config.signers))
    return True


def _refuse_unsigned_folder(config: Config, source: str) -> None:
    if config.signers is not None:
        raise ImageError(
            f"{source}: a folder carries no signature, and `signers` asks for one; give the signed archive"
        )


def _unpack(archive: Path, target: Path, source: str) -> None:
    """Take plain files by their last name; where they lie in the archive does not matter, links and devices do."""
    try:
        with tarfile.open(archive) as tar:
            total = 0
            for member in tar:
                if member.isdir():
                    continue
                name = member.name.rpartition("/")[2]
                total += member.size
                file = tar.extractfile(member) if member.isreg() else None
                if file is None or not name or name.startswith(".") or (target / name).exists():
                    raise ImageError(f"{source}: holds {member.name!r}, which no model pack has; take another archive")
                if total > MAX_ARCHIVE_BYTES:
                    raise ImageError(
                        f"{source}: unpacks to more than {MAX_ARCHIVE_BYTES:,} bytes; that is no model pack"
                    )
                with (target / name).open("wb") as out:
                    shutil.copyfileobj(file, out)
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error, lzma.LZMAError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # a fault of the disk, not of the archive
            raise
        raise ImageError(f"{source}: not a whole tar archive ({error}); fetch it again") from None
    _take(target, {path.name: path for path in target.iterdir()})


def _take(target: Path, files: dict[str, Path]) -> None:
    """Put into `target` only the files the manifest names, and the model cards."""
    if MANIFEST not in files:
        raise ModelError(f"no {MANIFEST} in it: that is no model pack; give another archive or folder")
    manifest = read_manifest(files[MANIFEST].parent)
    wanted = {MANIFEST, *(model.file for model in manifest.models), *(one.file for one in manifest.cohorts)}
    wanted |= {manifest.golden.file} if manifest.golden else set()
    wanted |= {BENEFIT_FILE, VIEW_FILE}
    for name, path in files.items():
        keep = name in wanted or name.endswith(".md")
        if keep and path.parent != target:
            shutil.copyfile(path, target / name)
        elif not keep and path.parent == target:
            path.unlink()


def verify(config: Config, folder: Path) -> None:
    """Check that every file is as the manifest promises, and that every model loads and answers."""
    pack = Pack.open(folder)
    bad = [result for result in pack.verify(config.runtime) if result.problem]
    if bad:
        raise ModelError(f"the pack does not keep its promises: {bad[0].problem}")
    for model in {one.model_sha256 for one in pack.manifest.cohorts}:
        pack.strangers(model)
    pack.recorded_answers()
