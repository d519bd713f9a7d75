"""Model packs: pull, adopt, use and probe them, and check that their files stay whole.

pull           a pack from an address, an archive or a folder, installed after all checks
adopt          a public or own ONNX file becomes a pack
public_models  which public files are known
strangers      for an adopted embedder
use            another pack is put in use
probe, soak    the fastest provider is chosen; the rate of a machine that has got warm
model_files    whether the files of a running service are still there
"""
