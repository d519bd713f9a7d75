"""`python -m tools.soak --minutes 10`: does it keep up; `--kill 500` instead: does it keep its promises."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tools.soak import kills, level


def main() -> int:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the service is watched")
    parser.add_argument("--kill", type=int, metavar="ROUNDS", help="kill it so often instead")
    parser.add_argument("--within-s", type=float, default=float("inf"), help="begin no further round after so long")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    if given.kill is None:
        print(json.dumps(level.soak(given.minutes)))
        return 0
    with tempfile.TemporaryDirectory(prefix="edge-soak-") as folder:
        found = kills.Soak(Path(folder), given.seed).run(given.kill, given.within_s)
    print(found.table())
    return 0 if found.is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
