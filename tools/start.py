"""How soon the page answers after a start, and what each process of the service holds: `python -m tools.start`.

Seconds depend on what else the machine does, so they are told beside those of importing numpy, onnxruntime and OpenCV
in the same run, and beside the processor time until the page answers. Memory is PSS (`/proc/PID/smaps_rollup`): pages
that processes share count once in all.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from edge.app.selfcheck import demo_clip

PEER = "import numpy, onnxruntime, cv2"
WAIT_S = 300.0
PAGE = os.sysconf("SC_PAGE_SIZE")
KINDS = ("Pss", "Pss_Anon", "Pss_File", "Pss_Shmem")


def measure(seconds: float, rounds: int, *, is_cold: bool) -> dict[str, Any]:
    """JSON-ready: seconds to the page and to the first frame, the ratio to the peer, and MB by process."""
    with tempfile.TemporaryDirectory(prefix="edge-start-") as name:
        folder = Path(name)
        clip = folder / "clip.mp4"
        demo_clip.render(clip)
        peers, starts = [], []
        if not is_cold:
            _start(folder / "first", clip, 0.0, dict(os.environ))  # after it, kernels are known to be kept
        for number in range(rounds):
            peers.append(_import_s())
            cache = {"NUMBA_CACHE_DIR": str(folder / f"kernels-{number}")} if is_cold else dict[str, str]()
            starts.append(_start(folder / str(number), clip, seconds, os.environ | cache))
    peer_s = statistics.median(peers)
    page_s = statistics.median(one["page_s"] for one in starts)
    return {
        "peer": {"what": PEER, "seconds": round(peer_s, 2)},
        "page_s": round(page_s, 2),
        "page_cpu_s": round(statistics.median(one["page_cpu_s"] for one in starts), 2),
        "page_times_peer": round(page_s / peer_s, 2),
        "ready_s": round(statistics.median(one["ready_s"] for one in starts), 2),
        "is_cold": is_cold,
        "memory": starts[-1]["memory"],
    }


def _import_s() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", PEER], check=True)
    return time.perf_counter() - began


def _start(folder: Path, clip: Path, seconds: float, environment: dict[str, str]) -> dict[str, Any]:
    """Start the service with one camera, wait for the page and for the end of preparing, look at it after `seconds`."""
    folder.mkdir()
    port = _free_port()
    config = folder / "edge.toml"
    config.write_text(
        f'data_dir = "{folder.parent / "data"}"\n[serve]\nport = {port}\n[[camera]]\nname = "door"\n'
        f'source = "file:{clip}"\nloop = true\n'
    )
    log = folder / "log"
    began = time.perf_counter()
    with log.open("wb") as told:
        service = subprocess.Popen(
            [sys.executable, "-m", "edge", "run", "--config", str(config)], stderr=told, env=environment
        )
    try:
        _wait(lambda: _answers(port), service, log)
        page_s, page_cpu_s = time.perf_counter() - began, cpu_s(service.pid)
        _wait(lambda: "is live" in log.read_text(), service, log)
        ready_s = time.perf_counter() - began
        time.sleep(seconds)
        return {"page_s": page_s, "page_cpu_s": page_cpu_s, "ready_s": ready_s, "memory": memory_of(service.pid)}
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(60)


def cpu_s(pid: int, thread: int | None = None) -> float:
    """Processor seconds that a process, or one thread of it, has taken so far, which other load hardly moves."""
    of_thread = "" if thread is None else f"task/{thread}/"
    user, system = Path(f"/proc/{pid}/{of_thread}stat").read_text("ascii").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> dict[str, Any]:
    """MB of a process and of its children, and of all together."""
    rows = {}
    for one in (pid, *children_of(pid)):
        arguments = Path(f"/proc/{one}/cmdline").read_bytes().decode().split("\0")
        name = next((word for word in arguments if word.startswith("edge.")), "service")
        rows[f"{name} {one}"] = _pss(one)
    all_pss = round(sum(row["Pss"] for row in rows.values()), 1)
    return {"processes": rows, "all_pss_mb": all_pss, "alone_mb": alone_mb((pid, *children_of(pid)))}


def alone_mb(pids: Iterable[int]) -> float | None:
    """MB of all pages that some processes have, each counted once whoever else has it: their PSS if they were alone.

    None without the right to see which pages those are, which only root has.
    """
    found = [np.zeros(0, np.uint64)]
    for pid in pids:
        with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/pagemap").open("rb", 0) as pages:
            for line in maps:
                first, last = (int(end, 16) // PAGE for end in line.split()[0].split("-"))
                if line.rstrip().endswith("]") and "[v" in line:
                    continue  # the kernel's own, vdso and the like
                pages.seek(8 * first)
                entries = np.frombuffer(pages.read(8 * (last - first)), np.uint64)
                found.append(np.unique(entries[entries >> np.uint64(63) == 1] & np.uint64((1 << 55) - 1)))
    frames = np.unique(np.concatenate(found))
    return None if frames.size < 2 else round(frames.size * PAGE / 2**20, 1)


def children_of(pid: int) -> list[int]:
    """Process ids of all that a process has started, and they."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue  # it has ended meanwhile
            if parent == pid:
                found += [int(folder.name), *children_of(int(folder.name))]
    return found


def _pss(pid: int) -> dict[str, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return {kind: round(kilobytes[kind] / 1024, 1) for kind in KINDS}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _wait(is_there: Any, service: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + WAIT_S
    while not is_there():
        if service.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"the service did not get there:\n{log.read_text()[-2000:]}")
        time.sleep(0.02)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of service before memory is looked at")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cold", action="store_true", help="compile every kernel, as on the very first start")
    given = parser.parse_args()
    print(json.dumps(measure(given.seconds, given.rounds, is_cold=given.cold), indent=1))


if __name__ == "__main__":
    main()
