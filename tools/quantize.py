"""fp32 ONNX -> int8 ONNX: static QDQ, unsigned activations, signed seven-bit weights per channel.

    python -m tools.quantize MODEL.onnx OUT.onnx --calibration IMAGES.npy [--exclude NODE ...]
    python -m tools.quantize --halve FILE.onnx ...     brings existing int8 files into the range, in place

What matters here was measured: without `quant_pre_process` (which folds batch norm) or with signed activations the int8
model is slower than fp32. Layers named in `exclude` stay fp32: the last, cheap ones, whose outputs are read as numbers.
Weights stay in [-64, 64], or processors without VNNI would compute something else (see `tools.reduced_range`); a file
with others is not written.
"""

from __future__ import annotations

import argparse
import shutil
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

from tools.reduced_range import halve, require_reduced_range, store_fp16

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

    `source` has one float32 input and opset 13..19; `calibration` holds float32 arrays in the shape of that input with
    values as at run time; nodes named in `exclude` stay fp32; activations are clipped to `percentile`, in percent
    (default: their full range). Raises ValueError, and writes nothing, where the result would not load on the oldest
    runtime we support (IR > 10 or opset > 19) or holds weights outside [-64, 64].
    """
    clip = {} if percentile is None else {"CalibPercentile": percentile}
    method = CalibrationMethod.MinMax if percentile is None else CalibrationMethod.Percentile
    with tempfile.TemporaryDirectory() as folder:
        folded, made = Path(folder) / "folded.onnx", Path(folder) / target.name
        # Symbolic inference gives up on a free height and width; folding, which is what counts, needs only ONNX's own.
        quant_pre_process(str(source), str(folded), skip_symbolic_shape=True)
        model = onnx.load(str(folded))
        quantize_static(
            str(folded),
            str(made),
            _Reader(model.graph.input[0].name, calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=method,
            nodes_to_exclude=list(exclude),
            extra_options=clip,
        )
        check(made)
        shutil.copyfile(made, target)


def compress(path: Path, nodes: Iterable[str]) -> None:
    """Store the weights of convolutions that compute in fp32 as fp16; the file is rewritten."""
    model, wanted = onnx.load(str(path)), set(nodes)
    graph = model.graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    for number, node in enumerate(list(graph.node)):
        if node.op_type != "Conv" or node.name not in wanted:
            continue
        old = stored[node.input[1]]
        store_fp16(graph, node, numpy_helper.to_array(old), f"weights_{number}")
        graph.initializer.remove(old)
    onnx.save(model, str(path))
    check(path)


def check(path: Path) -> tuple[int, int]:
    """(opset, IR version) of a model; lowers an IR version that is only formally too new.

    Raises
    ------
    ValueError
        The opset is above 19, an int8 weight lies outside [-64, 64], or the runtime does not load the file.
    """
    model = onnx.load(str(path))
    require_reduced_range(model, path.name)
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
    parser.add_argument("files", type=Path, nargs="+", help="fp32 model and the int8 file to write")
    parser.add_argument("--halve", action="store_true", help="bring the weights of existing int8 files into [-64, 64]")
    parser.add_argument("--calibration", type=Path, help=".npy (K, 3, H, W) float32, as at run time")
    parser.add_argument("--exclude", nargs="*", default=[], help="nodes that stay fp32")
    parser.add_argument("--percentile", type=float)
    args = parser.parse_args()
    if args.halve:
        for path in args.files:
            print(f"{path}: {halve(path)} weights rounded, opset and IR {check(path)}")
        return
    if len(args.files) != 2 or args.calibration is None:
        parser.error("give an fp32 model, the file to write, and --calibration")
    source, target = args.files
    images = np.load(args.calibration, mmap_mode="r")
    arrays = (np.asarray(image[None], dtype=np.float32) for image in images)
    quantize(source, target, arrays, exclude=args.exclude, percentile=args.percentile)
    print(f"{target}: {target.stat().st_size} bytes, opset and IR {check(target)}")


if __name__ == "__main__":
    main()
