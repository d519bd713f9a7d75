"""How much load the web side takes, as ratios in one run: `polls` (needs `wrk`), `crowd`, `examine`, `drips`;
and what many cameras cost: `cameras`, or one through a night in little: `night`."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from tools.load import cameras, crowd, examine, night, polls, slow_clients


def main() -> None:
    """Measure one thing and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_subparsers(dest="what", required=True)
    asked = what.add_parser("polls", help="no-news polls, against a trivial aiohttp handler")
    asked.add_argument("--seconds", type=float, default=2.0, help="of each round")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--connections", type=int, default=20)
    beside = what.add_parser("crowd", help="100 long polls and 50 slow readers beside the running cameras")
    beside.add_argument("--seconds", type=float, default=4.0, help="of each stretch, with and without the crowd")
    beside.add_argument("--rounds", type=int, default=4)
    beside.add_argument("--polls", type=int, default=100)
    beside.add_argument("--readers", type=int, default=50)
    beside.add_argument("--realtime", action="store_true", help="the clip at 25 frames/s, not as fast as it will go")
    idle = what.add_parser("examine", help="a video that is examined beside the running cameras")
    idle.add_argument("--seconds", type=float, default=5.0, help="of each stretch, with and without the examination")
    idle.add_argument("--rounds", type=int, default=4)
    idle.add_argument("--frames", type=int, default=1500, help="of the video: enough to last for a stretch")
    idle.add_argument("--realtime", action="store_true", help="the clip at 25 frames/s, not as fast as it will go")
    what.add_parser("drips", help="headers, bodies and silence that come too slowly, while others are served")
    many = what.add_parser("cameras", help="1, 4, 8, 16 cameras of 720p: processor, latency, turns, memory")
    many.add_argument("numbers", type=int, nargs="*", default=[1, 4, 8, 16])
    many.add_argument("--seconds", type=float, default=30.0, help="of each number")
    many.add_argument("--json", action="store_true", help="JSON is what is printed in any case")
    many.add_argument("--watched", action="store_true", help="a page shows all of them meanwhile")
    curve = what.add_parser("night", help="one camera of 720p, people for 8 s of each minute: the processor's curve")
    curve.add_argument("--minutes", type=float, default=5.0)
    curve.add_argument("--out", type=Path, help="an SVG of the curve")
    given = vars(parser.parse_args())
    given.pop("json", None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the box it has started ends with it
    match given.pop("what"):
        case "polls":
            print(json.dumps(polls.measure(**given)))
        case "crowd":
            print(json.dumps(asyncio.run(crowd.measure(**given))))
        case "examine":
            print(json.dumps(asyncio.run(examine.measure(**given))))
        case "cameras":
            print(json.dumps(cameras.measure(**given), indent=1))
        case "night":
            print(json.dumps(night.measure(**given), indent=1))
        case _:
            print(json.dumps(asyncio.run(slow_clients.measure())))


if __name__ == "__main__":
    main()
