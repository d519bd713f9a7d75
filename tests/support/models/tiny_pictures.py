"""Real ONNX models of two nodes that change pictures, and packs with one for every enhancement step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.support.models.tiny_models import detector_bytes, embedder_bytes, entry, write_pack

REACH = 1
LUMA_STEPS = ("denoise", "sr2")
SCALES = {"sr2": 2, "sr4": 4}


def picture_bytes(channels: int, scale: int = 1, *, side: int | str = "side", gain: float = 1.0) -> bytes:
    """The mean over 3 x 3 px times `gain`, each px repeated `scale` times both ways; black beyond the border."""
    weight = np.zeros((channels * scale**2, channels, 3, 3), np.float32)
    for out in range(len(weight)):
        weight[out, out % channels] = gain / 9  # DepthToSpace in DCR order: blocks of all channels
    nodes = [
        helper.make_node("Conv", ["image", "weight"], ["wide"], pads=[1, 1, 1, 1]),
        helper.make_node("DepthToSpace", ["wide"], ["out"], blocksize=scale, mode="DCR"),
    ]
    height, width = ("h", "w") if side == "side" else (side, side)
    outs = ("h_out", "w_out") if side == "side" else (int(side) * scale, int(side) * scale)
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, channels, height, width])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, channels, *outs])],
        [numpy_helper.from_array(weight, "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def picture_entry(name: str, step: str, data: bytes, **changes: Any) -> dict[str, Any]:
    """A manifest entry that tells the truth about a model of `picture_bytes`."""
    channels = 1 if step in LUMA_STEPS else 3
    spec = {
        "name": "image",
        "shape": [1, channels, "h", "w"],
        "color": "Y" if channels == 1 else "BGR",
        "margin": REACH,
    }
    outputs = {"out": [1, channels, "h_out", "w_out"]}
    generative = step in ("sr4", "restore")
    return entry(name, step, data, input=spec, outputs=outputs, generative=generative) | changes


def picture_pack(folder: Path, steps: tuple[str, ...] = ("denoise", "deblur", "restore", "sr2", "sr4")) -> Path:
    """A models_dir with a detector, an embedder and a tiny model for each of `steps`."""
    models = [
        (entry("tiny_detect", "detect", detector_bytes()), detector_bytes()),
        (entry("tiny_embed", "embed", embedder_bytes()), embedder_bytes()),
    ]
    for step in steps:
        data = picture_bytes(1 if step in LUMA_STEPS else 3, SCALES.get(step, 1))
        models.append((picture_entry(f"tiny_{step}", step, data), data))
    if "sr2" in steps:
        data = picture_bytes(1, 1)
        models.append((picture_entry("tiny_same_size", "sr2", data, default=False), data))
    return write_pack(folder, models)
