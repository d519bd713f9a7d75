"""Fill the cache of crops and teacher embeddings of the training people: `python -m tools.train.data`, some minutes."""

from __future__ import annotations

import argparse
from pathlib import Path

from tools.train import paths
from tools.train.material import face_cache


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="build the cache of crops and teacher embeddings")
    parser.add_argument("--out", type=Path, default=paths.CACHE)
    parser.add_argument("--mixtures", type=int, default=240_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    face_cache.build(args.out, mixtures=args.mixtures, threads=args.threads, seed=args.seed)


if __name__ == "__main__":
    main()
