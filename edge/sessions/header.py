"""Opset and IR version of an ONNX file, read from the outermost protobuf message alone; no graph is parsed here.

onnxruntime does not tell the opset, and the onnx package is a development dependency. `ModelProto` (onnx.proto) is
`ir_version = 1`, `graph = 7`, `opset_import = 8`, and `OperatorSetIdProto` is `domain = 1`, `version = 2`; every other
field is stepped over by its length, so the cost does not grow with the weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEFAULT_DOMAINS = ("", "ai.onnx")


@dataclass(frozen=True, slots=True)
class OnnxHeader:
    """Versions of one file: `opset` is that of the standard operators, `opsets` holds every domain."""

    ir_version: int
    opset: int
    opsets: dict[str, int]


def read_header(data: bytes) -> OnnxHeader:
    """Read the versions; raises ValueError where `data` is cut short or is no ONNX model."""
    ir_version = 0
    has_graph = False
    opsets: dict[str, int] = {}
    for number, value in _fields(memoryview(data)):
        if number == 1 and isinstance(value, int):
            ir_version = value
        elif number == 7 and isinstance(value, memoryview):
            has_graph = len(value) > 0
        elif number == 8 and isinstance(value, memoryview):
            domain, version = _opset(value)
            opsets[domain] = version
    standard = [version for domain, version in opsets.items() if domain in _DEFAULT_DOMAINS]
    if not (ir_version and has_graph and standard):
        raise ValueError("no ONNX model in it")
    return OnnxHeader(ir_version, max(standard), opsets)


def _opset(view: memoryview) -> tuple[str, int]:
    domain, version = "", 0
    for number, value in _fields(view):
        if number == 1 and isinstance(value, memoryview):
            domain = bytes(value).decode("utf-8", "replace")
        elif number == 2 and isinstance(value, int):
            version = value
    return domain, version


def _fields(view: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(field number, value) of one protobuf message."""
    at = 0
    while at < len(view):
        key, at = _varint(view, at)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise ValueError("not a protobuf message")
        if wire == _VARINT:
            value, at = _varint(view, at)
            yield number, value
            continue
        if wire == _BYTES:
            size, at = _varint(view, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError("not a protobuf message")
        if at + size > len(view):
            raise ValueError("cut short")
        yield number, view[at : at + size]
        at += size


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(view):
            raise ValueError("cut short")
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("not a protobuf message")
