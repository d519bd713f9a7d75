"""Whether several faces in one call of the embedder, as of several cameras, cost less than one after the other.

`python -m tools.cost.batches [--rounds 30]` prints processor ms a face for each size of a batch and number of threads.
The sizes take turns, so that other work on the machine slows all of them alike.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence

import numpy as np

from edge.config import PACKAGED_MODELS, RuntimeConfig
from edge.recognise import Embedder
from edge.sessions import Pack
from tools import likeness

SIZES = (1, 2, 4, 8)
THREADS = (1, 2)


def ms_a_face(embedder: Embedder, sizes: Sequence[int], rounds: int) -> Mapping[int, float]:
    """Median processor time of all threads a face, by the number of faces in one call."""
    crops = np.stack(likeness.pictures("embed", max(sizes)))
    times: dict[int, list[float]] = {size: [] for size in sizes}
    for number in range(rounds + 1):
        for size in sizes:
            began = time.process_time()
            embedder.embed(crops[:size])
            if number:  # the first call of a size sets up its buffers
                times[size].append((time.process_time() - began) * 1e3 / size)
    return {size: float(np.median(taken)) for size, taken in times.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args()
    pack = Pack.open(PACKAGED_MODELS)
    print(f"| threads | {' | '.join(f'{size} in a call' for size in SIZES)} |")
    print(f"|---|{'---|' * len(SIZES)}")
    for threads in THREADS:
        embedder = Embedder(pack.load(pack.find("embed"), RuntimeConfig(threads=threads)))
        found = ms_a_face(embedder, SIZES, given.rounds)
        print(f"| {threads} | {' | '.join(f'{found[size]:.1f} ms' for size in SIZES)} |", flush=True)


if __name__ == "__main__":
    main()
