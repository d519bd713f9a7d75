"""`tools/build_wheelhouse`: from a checkout to one signed archive per platform and Python."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from edge.app.selfcheck import sealed_clip
from edge.config import Config
from tools.data import ROOT
from tools.wheelhouse import archive, fetch
from tools.wheelhouse.fetch import BuildError
from tools.wheelhouse.lock import ARCHES, Target, device_pins, read_lock


def main() -> int:
    """Build what was asked for; returns the exit code."""
    args = _parser().parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    try:
        for python in args.python:
            for arch in args.arch:
                made = build(Target(python, arch), args)
                print(f"{made}  {made.stat().st_size / 1e6:.0f} MB")
    except (BuildError, ValueError) as error:
        print(f"build_wheelhouse: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools/build_wheelhouse", description=__doc__)
    parser.add_argument("--python", action="append", choices=["3.11", "3.12", "3.13"], required=True)
    parser.add_argument("--arch", action="append", choices=ARCHES, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "wheelhouse")
    parser.add_argument("--project", type=Path, default=ROOT, help="checkout to build the release from")
    parser.add_argument("--sign", type=Path, metavar="KEY", help="OpenSSH key the boxes trust; left out: not signed")
    parser.add_argument("--onnxruntime", type=Path, metavar="WHEEL", help="the installer's own build, as for a Jetson")
    parser.add_argument("--onnxruntime-sha256", metavar="HASH", help="its promised SHA-256")
    parser.add_argument(
        "--interpreter", type=Path, metavar="TAR", help="a Python to put on the box (python/bin/python3)"
    )
    parser.add_argument("--interpreter-sha256", metavar="HASH", help="its promised SHA-256")
    return parser


def build(target: Target, args: argparse.Namespace) -> Path:
    """One archive in `args.out`."""
    project = tomllib.loads((args.project / "pyproject.toml").read_text("utf-8"))["project"]
    pins = device_pins(
        read_lock((args.project / "requirements.lock").read_text("utf-8")), project["dependencies"], target
    )
    kept = args.out / "wheels" / target.tag
    fetch.download(pins, target, kept)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=args.out) as folder:
        root = Path(folder)
        wheels = root / "wheels"
        shutil.copytree(kept, wheels, copy_function=shutil.copy)
        own = fetch.build_project(args.project, wheels)
        onnxruntime = _own_onnxruntime(args, wheels)
        shutil.copytree(args.project / "models" / "quantized", root / "models")
        _seal_reference(args, root / "reference")
        if args.interpreter:
            fetch.check(args.interpreter, args.interpreter_sha256)
            shutil.copy(args.interpreter, root / "python.tar")
        (root / "requirements.txt").write_text(fetch.requirements(wheels), "utf-8")
        version = fetch.version_of(own)
        about = _about(target, version, root) | {"onnxruntime": onnxruntime, "own_python": args.interpreter is not None}
        archive.write_manifest(root, about)
        archive.write_sums(root)
        made: Path = args.out / f"edge-{version}-{target.tag}.tar"
        archive.pack(root, made)
    if args.sign:
        archive.sign(made, args.sign)
    return made


def _about(target: Target, version: str, root: Path) -> dict[str, Any]:
    digest = hashlib.sha256((root / "models" / "manifest.json").read_bytes()).hexdigest()
    wheels = sorted(path.name for path in (root / "wheels").glob("*.whl"))
    return {"format": 1, "version": version, "python": target.python, "arch": target.arch, "pack": digest[:12],
            "wheels": wheels}  # fmt: skip


def _own_onnxruntime(args: argparse.Namespace, wheels: Path) -> str:
    """Name of the archive's onnxruntime wheel: the installer's own, where one was given."""
    if args.onnxruntime:
        return fetch.replace_wheel(args.onnxruntime, args.onnxruntime_sha256, "onnxruntime", wheels).name
    return next(wheels.glob("onnxruntime-*.whl")).name


def _seal_reference(args: argparse.Namespace, folder: Path) -> None:
    """The clip that boxes replay after every change; the same for every platform, so it is made once."""
    kept = args.out / "reference"
    models = args.project / "models" / "quantized"
    if not sealed_clip.is_sealed_for(kept, models):
        shutil.rmtree(kept, ignore_errors=True)
        sealed_clip.seal(Config(data_dir=args.out / "none", models_dir=models), kept)
    shutil.copytree(kept, folder)


if __name__ == "__main__":
    sys.exit(main())
