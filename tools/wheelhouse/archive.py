"""A folder becomes one archive: manifest, list of every file's SHA-256, tar, and beside it a signature over the tar.

The signature is outside, so that a box opens nothing that nobody vouches for. It is OpenSSH's (`ssh-keygen -Y`,
namespace `edge-release`): every box that can be reached by ssh can check it, with no program of ours.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from tools.wheelhouse.fetch import BuildError, sha256

NAMESPACE = "edge-release"
SUMS, MANIFEST = "SHA256SUMS", "release.json"


def write_manifest(folder: Path, about: dict[str, Any]) -> None:
    """`release.json`: what the archive is, for people and for the role."""
    (folder / MANIFEST).write_text(json.dumps(about, indent=2, sort_keys=True) + "\n", "utf-8")


def write_sums(folder: Path) -> str:
    """List every file's SHA-256 as `sha256sum --check` reads it; returns the list's own SHA-256."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    lines = [f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / SUMS).write_text("".join(lines), "utf-8")
    return sha256(folder / SUMS)


def pack(folder: Path, archive: Path) -> None:
    """Write a tar of `folder` without times, owners or order of this machine: the same files, the same archive."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime = entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    part = archive.with_name(archive.name + ".part")
    with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, path.relative_to(folder).as_posix(), recursive=False, filter=plain)
    part.replace(archive)


def sign(archive: Path, key: Path) -> Path:
    """Sign with an OpenSSH private key (or its public half, the key then being in an agent)."""
    signature = archive.with_name(archive.name + ".sig")
    signature.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{key}: can't sign {archive.name}: {done.stderr.strip()}")
    return signature


def verify(archive: Path, allowed_signers: Path) -> bool:
    """Whether one of `allowed_signers` (ssh-keygen(1), ALLOWED SIGNERS; principal edge-release) signed the archive."""
    command = ["ssh-keygen", "-Y", "verify", "-f", str(allowed_signers), "-I", NAMESPACE, "-n", NAMESPACE]
    command += ["-s", f"{archive}.sig"]
    with archive.open("rb") as data:
        return subprocess.run(command, stdin=data, capture_output=True, check=False).returncode == 0
