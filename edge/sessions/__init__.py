"""The only place that loads ONNX files. A file is read once: the bytes that were checked are the bytes that run.

    quiet     stops the runtime from sending reports
    files     model files are read, and loaded where no manifest vouches for them
    header    opset and IR version of an ONNX file, without parsing its graph
    manifest  what models_dir/manifest.json promises about each file
    engines   what GPU providers are told, and where engines that TensorRT builds are kept
    session   a loaded model: provider, threads, warm-up, run
    known     the answer that a model must give to a drawn input
    trial     starts a model in the first way that reproduces its known answer
    pack      manifest + folder -> checked sessions

The stages know what a model's numbers mean (boxes, embeddings).
"""

from edge.sessions import quiet  # noqa: F401 - the first of all: it has to come before onnxruntime is loaded
from edge.sessions.engines import Engines
from edge.sessions.files import load_file
from edge.sessions.manifest import InputSpec, Manifest, ModelEntry
from edge.sessions.pack import PACKAGED, Pack, VerifyResult, combined_sha256, follow
from edge.sessions.session import Session, available_providers, runtime_version

__all__ = [
    "PACKAGED",
    "Engines",
    "InputSpec",
    "Manifest",
    "ModelEntry",
    "Pack",
    "Session",
    "VerifyResult",
    "available_providers",
    "combined_sha256",
    "follow",
    "load_file",
    "runtime_version",
]
