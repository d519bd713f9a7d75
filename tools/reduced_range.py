"""Seven-bit weights: the range in which an int8 model gives the same answers on every processor.

x86 processors without VNNI add two products of an unsigned activation (0..255) and a signed weight in 16 bits, and that
sum saturates at 32,767. With weights in [-64, 64] it is 2 * 255 * 64 = 32,640 at most, so nothing is lost. ONNX Runtime
calls this `reduce_range`. Layers that compute in fp32 keep their weights as fp16, which is exact enough and leaves no
int8 weight that a runtime could multiply in another way.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

LIMIT = 64


def weights_outside(model: onnx.ModelProto) -> dict[str, int]:
    """Name of each int8 weight tensor that leaves [-64, 64] -> how many of its weights do; empty where none does."""
    outside = {}
    for tensor in _weights(model):
        count = int((np.abs(numpy_helper.to_array(tensor).astype(np.int16)) > LIMIT).sum())
        if count:
            outside[tensor.name] = count
    return outside


def require_reduced_range(model: onnx.ModelProto, file: str) -> None:
    """Raise ValueError that names the file where an int8 weight of it leaves [-64, 64]."""
    outside = weights_outside(model)
    if outside:
        name, count = next(iter(outside.items()))
        raise ValueError(
            f"{file}: {sum(outside.values())} int8 weights leave [-{LIMIT}, {LIMIT}] ({count} of them in {name}): "
            "processors without VNNI would compute something else; quantize with reduce_range, or run "
            f"`python -m tools.quantize --halve {file}`"
        )


def halve(path: Path) -> int:
    """Rewrite a QDQ model so that every int8 weight lies in [-64, 64]; returns how many weights were rounded.

    A channel whose largest weight is over 64 is scaled to 64 and its scale grows by as much; other channels stay as
    they are. The int32 biases of the same layers follow, since their scale is that of the input times the weights'.
    int8 weights of layers that compute in fp32 become fp16 and are not counted.

    Raises
    ------
    ValueError
        Weights that don't come through `DequantizeLinear`, or have a zero point other than 0.
    """
    model = onnx.load(str(path))
    graph, rounded = model.graph, 0
    loaders = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    by_weights = {node.input[0]: node for node in loaders.values()}
    for tensor in _weights(model):
        loader = by_weights.get(tensor.name)
        stored = {other.name: other for other in graph.initializer}
        if loader is None or any(numpy_helper.to_array(stored[name]).any() for name in loader.input[2:]):
            raise ValueError(
                f"{path.name}: {tensor.name} is not a symmetric weight of the QDQ format; quantize it anew"
            )
        layers = [node for node in graph.node if loader.output[0] in node.input]
        if all(_is_fp32(layer, loaders) for layer in layers):
            _store_as_fp16(graph, loader, stored)
            continue
        codes, scale = (numpy_helper.to_array(stored[name]) for name in loader.input[:2])
        factor = _factor(codes, scale, _axis(loader))
        rounded += int((factor > 1).sum()) * (codes.size // factor.size)
        _store(tensor, codes / _along(factor, codes.ndim, _axis(loader)))
        _scale(stored[loader.input[1]], factor)
        for bias in (loaders[layer.input[2]] for layer in layers if len(layer.input) > 2):
            _store(stored[bias.input[0]], numpy_helper.to_array(stored[bias.input[0]]) / factor.astype(np.float64))
            _scale(stored[bias.input[1]], factor)
    onnx.save(model, str(path))
    return rounded


def store_fp16(graph: onnx.GraphProto, node: onnx.NodeProto, weights: NDArray[np.floating], name: str) -> None:
    """Make `weights`, stored as fp16 under `name`, the second input of a layer that computes in fp32."""
    graph.initializer.append(numpy_helper.from_array(weights.astype(np.float16), name))
    cast = onnx.helper.make_node("Cast", [name], [f"{name}_fp32"], f"{name}_cast", to=onnx.TensorProto.FLOAT)
    graph.node.insert(0, cast)
    node.input[1] = f"{name}_fp32"


def _store_as_fp16(graph: onnx.GraphProto, loader: onnx.NodeProto, stored: dict[str, onnx.TensorProto]) -> None:
    codes, scale = (numpy_helper.to_array(stored[name]) for name in loader.input[:2])
    weights = codes.astype(np.float32) * _along(scale, codes.ndim, _axis(loader))
    for layer in [node for node in graph.node if loader.output[0] in node.input]:
        store_fp16(graph, layer, weights, f"{loader.output[0]}_fp16")
    graph.node.remove(loader)
    for name in loader.input:
        graph.initializer.remove(stored[name])


def _is_fp32(layer: onnx.NodeProto, loaders: dict[str, onnx.NodeProto]) -> bool:
    """Whether a layer with int8 weights computes in fp32: its input or its bias is a plain float."""
    return layer.input[0] not in loaders or any(name not in loaders for name in layer.input[2:])


def _weights(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """Stored signed 8-bit tensors of two or more dimensions; scales and zero points have fewer."""
    return [t for t in model.graph.initializer if t.data_type == onnx.TensorProto.INT8 and len(t.dims) >= 2]


def _axis(loader: onnx.NodeProto) -> int:
    return next((int(a.i) for a in loader.attribute if a.name == "axis"), 1)


def _factor(codes: NDArray[np.int8], scale: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """By how much each channel's scale grows, in the shape of `scale`; 1 where the channel fits already."""
    sizes = np.abs(codes.astype(np.float32))
    peak = sizes.max() if scale.size == 1 else np.moveaxis(sizes, axis, 0).reshape(scale.size, -1).max(axis=1)
    return np.asarray(np.maximum(peak / LIMIT, 1.0), np.float32).reshape(scale.shape)


def _along(factor: NDArray[np.float32], ndim: int, axis: int) -> NDArray[np.float32]:
    if factor.size == 1:
        return factor.reshape(())
    return factor.reshape([-1 if dim == axis % ndim else 1 for dim in range(ndim)])


def _store(tensor: onnx.TensorProto, values: NDArray[np.floating]) -> None:
    kind = numpy_helper.to_array(tensor).dtype
    tensor.CopyFrom(numpy_helper.from_array(np.rint(values).astype(kind), tensor.name))


def _scale(tensor: onnx.TensorProto, factor: NDArray[np.float32]) -> None:
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * factor, tensor.name))
