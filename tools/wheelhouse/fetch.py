"""Pins as wheels: downloaded for another platform, each checked against the hashes of the lock file."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

from tools.wheelhouse.lock import Pin, Target

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


class BuildError(Exception):
    """The archive can't be made; one paragraph."""


def download(pins: list[Pin], target: Target, folder: Path) -> None:
    """Fill `folder` with one wheel per pin; wheels of an earlier run that are still pinned are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    _drop_others(pins, folder)
    wanted = folder / "wanted.txt"
    wanted.write_text("".join(f"{pin.line()}\n" for pin in pins), "utf-8")
    digits = target.python.replace(".", "")
    command = [*PIP, "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--dest", str(folder), "--find-links", str(folder), "--implementation", "cp"]
    command += ["--python-version", target.python, "--abi", f"cp{digits}", "--abi", "abi3", "--abi", "none"]
    for platform in target.platforms:
        command += ["--platform", platform]
    done = subprocess.run([*command, "-r", str(wanted)], capture_output=True, text=True, check=False)
    wanted.unlink()
    if done.returncode != 0:
        why = done.stderr.strip()[-2000:]
        raise BuildError(f"{target.tag}: pip can't get every wheel: {why}")


def _drop_others(pins: list[Pin], folder: Path) -> None:
    known = {one for pin in pins for one in pin.hashes}
    for wheel in folder.glob("*.whl"):
        if f"sha256:{sha256(wheel)}" not in known:
            wheel.unlink()


def build_project(project: Path, folder: Path) -> Path:
    """The project's own wheel, built from `project` without a network."""
    command = [*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(project)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{project}: the project's wheel can't be built: {done.stderr.strip()[-2000:]}")
    return next(folder.glob("edge_faces-*.whl"))


def replace_wheel(wheel: Path, expected_sha256: str | None, replaced: str, folder: Path) -> Path:
    """Replace the wheel of package `replaced` by an installer's own, such as a Jetson's onnxruntime."""
    check(wheel, expected_sha256)
    for one in folder.glob("*.whl"):
        if one.name.partition("-")[0].replace("_", "-").lower() == replaced:
            one.unlink()
    return Path(shutil.copy2(wheel, folder))


def check(file: Path, expected_sha256: str | None) -> None:
    """BuildError unless `file` has the promised hash: nothing unpinned goes to a box."""
    if not expected_sha256:
        raise BuildError(f"{file}: no SHA-256 was promised for it; nothing unpinned goes to a box")
    if (found := sha256(file)) != expected_sha256:
        raise BuildError(f"{file}: SHA-256 is {found}, {expected_sha256} was promised; get the right file")


def requirements(folder: Path) -> str:
    """Exactly the wheels of `folder`, each with its hash, as `pip install --require-hashes` reads them."""
    lines = []
    for wheel in sorted(folder.glob("*.whl")):
        name, version = _identity(wheel)
        lines.append(f"{name}=={version} --hash=sha256:{sha256(wheel)}\n")
    return "".join(lines)


def _identity(wheel: Path) -> tuple[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        file = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        about = Parser().parsestr(archive.read(file).decode("utf-8"), headersonly=True)
    return str(about["Name"]), str(about["Version"])


def version_of(wheel: Path) -> str:
    """Version of a wheel, from its metadata."""
    return _identity(wheel)[1]


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
