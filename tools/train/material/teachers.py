"""The public networks that label our pictures: YuNet for faces, two MobileFaceNets for embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import numpy_helper

from tools.train import paths

STRIDES = (8, 16, 32)
_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


def session(model: str | bytes, threads: int) -> ort.InferenceSession:
    """A model on the CPU, outside any pack: a file's name or its bytes."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class FaceFinder:
    """YuNet on whole pictures, through OpenCV."""

    def __init__(self, min_score: float = 0.6) -> None:
        self._net = cv2.FaceDetectorYN.create(str(paths.YUNET), "", (320, 320), min_score, 0.3, 500)

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 15) f32: x, y, w, h, five landmark points, score; best first. `image` is (H, W, 3) u8 BGR."""
        self._net.setInputSize((image.shape[1], image.shape[0]))
        faces: Any = self._net.detect(image)[1]  # None where there is none, whatever the stub says
        if faces is None:
            return np.zeros((0, 15), np.float32)
        return np.asarray(faces[np.argsort(-faces[:, 14])], np.float32)


class DenseFaces:
    """YuNet's raw outputs at every cell."""

    def __init__(self, threads: int = 1) -> None:
        self._net = session(str(paths.YUNET_DYNAMIC), threads)

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(B, H, W, 3) u8 BGR, sides multiples of 32 -> (B, cells, 15) f32, strides 8, 16, 32 after each other.

        Columns: score sqrt(cls * obj), box (dx, dy, log w, log h) and ten landmark offsets, in cells.
        """
        names = [f"{part}_{s}" for s in STRIDES for part in ("cls", "obj", "bbox", "kps")]
        # One by one they stay in the processor's cache: two and a half times as fast as in one batch.
        return np.concatenate([self._one(names, image) for image in batch])

    def _one(self, names: list[str], picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        image = np.ascontiguousarray(picture.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)
        out = self._net.run(names, {"input": image})
        levels = []
        for i in range(0, len(out), 4):
            score = np.sqrt(np.clip(out[i], 0, 1) * np.clip(out[i + 1], 0, 1))
            levels.append(np.concatenate([score, out[i + 2], out[i + 3]], axis=2))
        return np.concatenate(levels, axis=1)


class Embedder:
    """MobileFaceNet in batches: the normalised mean over a crop and its mirror image."""

    def __init__(self, threads: int = 1, *, mirrored: bool = True, model: Path = paths.MOBILEFACENET) -> None:
        self._raw = model == paths.DEGRADED_TEACHER  # it takes 0..255, batches, and scales inside
        self._mirrored = mirrored
        self._net = session(str(model) if self._raw else _batched(model), threads)

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 112, 112, 3) u8 BGR aligned crops -> (N, 128) f32, L2-normalised."""
        rgb = crops[..., ::-1].astype(np.float32)
        image = np.ascontiguousarray((rgb if self._raw else (rgb / 255.0 - _MEAN) / _STD).transpose(0, 3, 1, 2))
        name = self._net.get_inputs()[0].name
        vector = unit(self._net.run(None, {name: image})[0])
        if self._mirrored:
            vector = unit(vector + unit(self._net.run(None, {name: np.ascontiguousarray(image[..., ::-1])})[0]))
        return vector


def _batched(file: Path) -> bytes:
    """foamliu's file with any number of pictures at once: only its last Reshape, to (1, -1), fixes the batch."""
    model = onnx.load(str(file))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n"
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "n"
    shape_name = model.graph.node[-1].input[1]
    shape = numpy_helper.from_array(np.array([-1, 128], dtype=np.int64), shape_name)
    for node in model.graph.node:
        if node.op_type == "Constant" and node.output[0] == shape_name:
            node.attribute[0].t.CopyFrom(shape)
    for tensor in model.graph.initializer:
        if tensor.name == shape_name:
            tensor.CopyFrom(shape)
    return bytes(model.SerializeToString())


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows scaled to length 1."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), dtype=np.float32)
