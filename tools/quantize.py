"""fp32 ONNX -> int8 ONNX: static QDQ, unsigned activations, signed per-channel weights.

`python -m tools.quantize MODEL.onnx OUT.onnx --calibration IMAGES.npy [--exclude NODE ...]`

What matters here was measured: without `quant_pre_process` (which folds batch norm) or with signed activations the int8
model is slower than fp32. Layers named in `exclude` stay fp32: the last, cheap ones, whose outputs are read as numbers.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

MAX_IR_VERSION = 10
MAX_OPSET = 19


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Feeds arrays one by one under the model's only input name."""

    def __init__(self, name: str, arrays: Iterable[NDArray[np.float32]]) -> None:
        self._feed: Iterator[dict[str, NDArray[np.float32]]] = iter([{name: a} for a in arrays])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._feed, None)


def quantize(
    source: Path,
    target: Path,
    calibration: Iterable[NDArray[np.float32]],
    *,
    exclude: Iterable[str] = (),
    percentile: float | None = None,
) -> None:
    """Write an int8 copy of an fp32 model.

    Parameters
    ----------
    source, target : ONNX files; one float32 input, opset 13..19
    calibration : float32 arrays in the shape of the input, values as at run time
    exclude : names of nodes that stay fp32
    percentile : clip activations to this percentile, in percent (default: their full range)

    Raises
    ------
    ValueError
        The result would not load on the oldest runtime we support (IR > 10 or opset > 19).
    """
    with tempfile.TemporaryDirectory() as folder:
        folded = Path(folder) / "folded.onnx"
        # Symbolic inference gives up on a free height and width; folding, which is what counts, needs only ONNX's own.
        quant_pre_process(str(source), str(folded), skip_symbolic_shape=True)
        model = onnx.load(str(folded))
        clip = {} if percentile is None else {"CalibPercentile": percentile}
        quantize_static(
            str(folded),
            str(target),
            _Reader(model.graph.input[0].name, calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax if percentile is None else CalibrationMethod.Percentile,
            nodes_to_exclude=list(exclude),
            extra_options=clip,
        )
    check(target)


def compress(path: Path, nodes: Iterable[str]) -> None:
    """Store the weights of convolutions that compute in fp32 as int8 per output channel; the file is rewritten."""
    model, wanted = onnx.load(str(path)), set(nodes)
    graph = model.graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    for number, node in enumerate(list(graph.node)):
        if node.op_type != "Conv" or node.name not in wanted:
            continue
        old = stored[node.input[1]]
        weights = numpy_helper.to_array(old)
        scale = np.maximum(np.abs(weights).reshape(len(weights), -1).max(1), 1e-12).astype(np.float32) / np.float32(127)
        codes = np.rint(weights / scale[:, None, None, None]).astype(np.int8)
        names = [f"weights_{number}_{part}" for part in ("codes", "scale", "zero")]
        parts = (codes, scale, np.zeros(len(scale), np.int8))
        graph.initializer.extend(numpy_helper.from_array(part, name) for part, name in zip(parts, names, strict=True))
        graph.initializer.remove(old)
        restored = f"weights_{number}"
        graph.node.insert(0, onnx.helper.make_node("DequantizeLinear", names, [restored], restored, axis=0))
        node.input[1] = restored
    onnx.save(model, str(path))
    check(path)


def check(path: Path) -> tuple[int, int]:
    """(opset, IR version) of a model; lowers an IR version that is only formally too new.

    Raises
    ------
    ValueError
        The opset is above 19, or the runtime does not load the file.
    """
    model = onnx.load(str(path))
    opset = max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if opset > MAX_OPSET:
        raise ValueError(f"{path.name}: opset {opset} is above {MAX_OPSET}; export with opset 17")
    if model.ir_version > MAX_IR_VERSION:
        model.ir_version = MAX_IR_VERSION
        onnx.save(model, str(path))
    ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return opset, int(model.ir_version)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="quantize an ONNX model to int8")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--calibration", type=Path, required=True, help=".npy (K, 3, H, W) float32, as at run time")
    parser.add_argument("--exclude", nargs="*", default=[], help="nodes that stay fp32")
    parser.add_argument("--percentile", type=float)
    args = parser.parse_args()
    images = np.load(args.calibration, mmap_mode="r")
    arrays = (np.asarray(image[None], dtype=np.float32) for image in images)
    quantize(args.source, args.target, arrays, exclude=args.exclude, percentile=args.percentile)
    print(f"{args.target}: {args.target.stat().st_size} bytes, opset and IR {check(args.target)}")


if __name__ == "__main__":
    main()
