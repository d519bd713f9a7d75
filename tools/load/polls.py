"""Polls without news per second of one core, in turns with a trivial aiohttp handler on the same core."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tools.start import cpu_s

SETTLE_S = 6.0
"""A puller's progress is saved and audited every five seconds, which changes the tag once."""


@contextmanager
def server(kind: str, core: int) -> Iterator[tuple[int, list[str]]]:
    """A server on one core: its process id, and what it says of itself."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.load.servers", kind], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    try:
        os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        yield process.pid, process.stdout.readline().split()
    finally:
        process.terminate()
        process.wait()


def status(url: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and tag of one GET."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
            return answer.status, answer.headers.get("ETag", "")
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("ETag", "")


def hammer(url: str, headers: dict[str, str], seconds: float, connections: int, core: int) -> tuple[int, float]:
    """Requests answered and seconds taken, by wrk on one core."""
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{max(round(seconds), 1)}s", url]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+) requests in ([0-9.]+)(ms|s|m)", told)
    if found is None or "Non-2xx" in told or "Socket errors" in told:
        raise SystemExit(f"wrk: {told}")
    return int(found[1]), float(found[2]) * {"ms": 0.001, "s": 1.0, "m": 60.0}[found[3]]


def measure(seconds: float, rounds: int, connections: int) -> dict[str, object]:
    """Rates of both, by the clock and by seconds of computing (less disturbed by a busy machine), and their ratios."""
    cores = sorted(os.sched_getaffinity(0))
    rates: dict[str, list[tuple[float, float]]] = {"box": [], "trivial": []}
    with server("box", cores[0]) as ours, server("trivial", cores[0]) as peer:
        asked = {"box": _no_news(*ours[1]), "trivial": (f"http://127.0.0.1:{peer[1][0]}/api/v1/alerts", {})}
        for _ in range(rounds):
            for name, pid in (("box", ours[0]), ("trivial", peer[0])):
                url, headers = asked[name]
                before = cpu_s(pid)
                num, took_s = hammer(url, headers, seconds, connections, cores[-1])
                rates[name].append((num / took_s, num / max(cpu_s(pid) - before, 0.01)))
                if status(url, headers)[0] != 304:
                    raise SystemExit("there was news in between: run it again")
    per_s = {name: median(rate for rate, _ in found) for name, found in rates.items()}
    per_core_s = {name: median(rate for _, rate in found) for name, found in rates.items()}
    return {
        "polls_per_s": round(per_s["box"]),
        "trivial_per_s": round(per_s["trivial"]),
        "ratio": round(per_s["box"] / per_s["trivial"], 2),
        "polls_per_core_s": round(per_core_s["box"]),
        "trivial_per_core_s": round(per_core_s["trivial"]),
        "ratio_per_core_s": round(per_core_s["box"] / per_core_s["trivial"], 2),
    }


def _no_news(port: str, token: str, cursor: str) -> tuple[str, dict[str, str]]:
    """A question that has no news any more."""
    url, headers = f"http://127.0.0.1:{port}/api/v1/alerts?after={cursor}", {"Authorization": f"Bearer {token}"}
    status(url, headers)
    time.sleep(SETTLE_S)
    return url, headers | {"If-None-Match": status(url, headers)[1]}
