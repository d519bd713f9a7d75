"""The only place that loads ONNX files. A file is read once: the bytes that were checked are the bytes that run.

    quiet     the runtime reports to nobody
    header    opset and IR version of an ONNX file, without parsing its graph
    manifest  what models_dir/manifest.json promises about each file
    session   a loaded model: provider, threads, warm-up, run
    known     what a model must answer to a drawn input
    trial     start a model by the first way that reproduces its known answer
    pack      manifest + folder -> checked sessions

What a model's numbers mean (boxes, embeddings) belongs to the stages, not here.
"""

from edge.sessions import quiet  # noqa: F401 - the first of all: it has to come before onnxruntime is loaded
from edge.sessions.manifest import InputSpec, Manifest, ModelEntry
from edge.sessions.pack import PACKAGED, Pack, VerifyResult, combined_sha256, follow, load_file
from edge.sessions.session import Session, available_providers, runtime_version

__all__ = [
    "PACKAGED",
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
