"""Model packs to pull, use and probe: tiny ones, and the packaged one with altered files in it."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import onnx
from onnx import numpy_helper

from edge.config import PACKAGED_MODELS, Config
from tests.support.models.tiny_models import detector_bytes, embedder_bytes, entry, write_pack

Change = Callable[[onnx.ModelProto], None]


def worn(model: onnx.ModelProto) -> None:
    """Every second weight tensor is halved: still a model, no longer this one."""
    for tensor in list(model.graph.initializer)[::2]:
        array = numpy_helper.to_array(tensor)
        if array.ndim == 4:
            tensor.CopyFrom(numpy_helper.from_array((array / 2).astype(array.dtype), tensor.name))


def pack_with(folder: Path, *variants: tuple[str, str, Change], strangers: bool = True) -> Path:
    """The packaged pack with further files beside its own: (task, name, change)."""
    shutil.copytree(PACKAGED_MODELS, folder)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for task, name, change in variants:
        base = next(model for model in manifest["models"] if model["task"] == task and model["default"])
        model = onnx.load(str(folder / base["file"]))
        change(model)
        data = model.SerializeToString()
        (folder / f"{name}.onnx").write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        told = {"name": name, "file": f"{name}.onnx", "sha256": sha256, "bytes": len(data), "precision": "fp32"}
        manifest["models"].append({**base, **told, "default": False, "variant_of": base["name"]})
        if task == "embed" and strangers:
            cohort = manifest["cohorts"][0]
            shutil.copy(folder / cohort["file"], folder / f"{name}.f16")
            manifest["cohorts"].append({**cohort, "name": name, "file": f"{name}.f16", "model_sha256": sha256})
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def make_pack(folder: Path, seed: int = 0) -> Path:
    detector, embedder = detector_bytes(), embedder_bytes(seed=seed)
    return write_pack(
        folder, [(entry("finds", "detect", detector), detector), (entry("tells", "embed", embedder), embedder)]
    )


def archive(folder: Path, pack: Path, prefix: str = "") -> tuple[Path, str]:
    path = folder / "pack.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for file in sorted(pack.iterdir()):
            tar.add(file, prefix + file.name)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def left_over(config: Config) -> list[str]:
    folder = config.data_dir / "models"
    return sorted(p.name for p in folder.iterdir() if p.name != ".lock") if folder.is_dir() else []
