"""Signed archives of this checkout: as it is, a next version, and one that starts but never comes up."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tools.deploy_test import later
from tools.deploy_test.report import run

HANG = "/var/lib/edge/hang"
"""While this file exists, the vision thread of the next version hangs, to test the watchdog."""


class Releases:
    """The archives of one run, in one folder."""

    def __init__(self, root: Path, work: Path) -> None:
        self.root = root
        self.work = work
        self.key = work / "release_key"
        self.folder = work / "archives"

    @property
    def public_key(self) -> str:
        """The key the boxes trust."""
        return " ".join(self.key.with_suffix(".pub").read_text("utf-8").split()[:2])

    def build(self, version: str, edits: dict[str, tuple[str, str]] | None = None, steps: int = 0) -> Path:
        """An archive of what is committed, called `version`, with `edits` (file: what by what) in it.

        With `steps` its schema is so many migrations ahead, and its embedder another one.
        """
        if not self.key.exists():
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key])
        source = self._export()
        changes = {"edge/__init__.py": (self._version(source), f'__version__ = "{version}"')} | (edits or {})
        for file, (what, by) in changes.items():
            path = source / file
            text = path.read_text("utf-8")
            if what not in text:
                raise OSError(f"{file} has no {what!r} to change")
            path.write_text(text.replace(what, by, 1), "utf-8")
        if steps:
            later.add_migrations(source, steps)
            later.note_embedder(source, version)
        self._reuse_reference(version, source)
        command = [sys.executable, "-m", "tools.wheelhouse", "--python", "3.11", "--arch", _arch()]
        run([*command, "--out", self.folder, "--sign", self.key], cwd=source)
        return self.folder / f"edge-{version}-cp311-{_arch()}.tar"

    def _reuse_reference(self, version: str, source: Path) -> None:
        """The clip of the first archive does for all: their programs differ in nothing that it measures."""
        record = self.folder / "reference" / "reference.json"
        if record.exists():
            values = json.loads(record.read_text("utf-8"))
            pack = hashlib.sha256((source / later.MODELS / "manifest.json").read_bytes()).hexdigest()
            record.write_text(json.dumps(values | {"version": version, "pack_sha256": pack}), "utf-8")

    def _export(self) -> Path:
        """What is committed; in a checkout without history, what is there."""
        source = self.work / "source"
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir(parents=True)
        done = subprocess.run(["git", "archive", "HEAD"], cwd=self.root, capture_output=True, check=False)
        if done.returncode == 0:
            archive = self.work / "source.tar"
            archive.write_bytes(done.stdout)
            with tarfile.open(archive) as tar:
                tar.extractall(source, filter="data")
            archive.unlink()
        else:
            needed = (
                "edge",
                "tools",
                "models",
                "pyproject.toml",
                "requirements.lock",
                "README.md",
                "LICENSE",
                "NOTICE",
            )
            for name in needed:
                run(["cp", "-a", self.root / name, source])
        return source

    @staticmethod
    def _version(source: Path) -> str:
        text = (source / "edge" / "__init__.py").read_text("utf-8")
        return next(line for line in text.splitlines() if line.startswith("__version__"))


def _arch() -> str:
    return run(["uname", "-m"]).strip()
