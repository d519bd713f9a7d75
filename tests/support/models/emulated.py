"""Run models on stored inputs; started by a test under an emulated processor, so it imports next to nothing.

`python emulated.py MODEL.onnx INPUTS.npy OUTPUTS.npz ...`, three files per model; outputs as "number name".
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort


def main(arguments: list[str]) -> None:
    """Answer every input of every model, with the runtime's own optimisations."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    for model, inputs, outputs in zip(arguments[::3], arguments[1::3], arguments[2::3], strict=True):
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        found: dict[str, Any] = {}
        for number, tensor in enumerate(np.load(inputs)):
            answer = session.run(names, {session.get_inputs()[0].name: tensor})
            found |= {f"{number} {name}": array for name, array in zip(names, answer, strict=True)}
        np.savez(Path(outputs), **found)


if __name__ == "__main__":
    main(sys.argv[1:])
