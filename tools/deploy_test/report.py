"""Reports what passed, failed and was skipped, at once and in a summary."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path


class StepError(Exception):
    """A step of the test failed."""


class Report:
    """Steps by name, each with its outcome."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self.skipped: list[str] = []
        self.passed = 0

    def step(self, name: str, work: Callable[[], object]) -> bool:
        """Do one step; a failure is told and remembered, and the next step is tried."""
        print(f"== {name}", flush=True)
        started = time.monotonic()
        try:
            found = work()
        except (StepError, subprocess.SubprocessError, OSError) as error:
            print(f"   FAILED after {time.monotonic() - started:.0f} s: {error}", flush=True)
            self.failed.append(name)
            return False
        note = f": {found}" if isinstance(found, str) and found else ""
        print(f"   passed in {time.monotonic() - started:.0f} s{note}", flush=True)
        self.passed += 1
        return True

    def skip(self, name: str, why: str) -> None:
        """Say what is not tried here, and why."""
        print(f"== {name}\n   skipped: {why}", flush=True)
        self.skipped.append(f"{name}: {why}")

    def summary(self) -> int:
        """Print the end and return the exit code."""
        print(f"\n{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped")
        for name in self.failed:
            print(f"  failed:  {name}")
        for line in self.skipped:
            print(f"  skipped: {line}")
        return 1 if self.failed else 0


def run(
    command: Sequence[str | Path], *, cwd: Path | None = None, env: dict[str, str] | None = None, is_told: bool = True
) -> str:
    """Run a command and return what it said, unless nobody wants it told; StepError with its end where it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        raise StepError(f"{command[0]} ended with {done.returncode}: ...{done.stdout.strip()[-3000:]}")
    return done.stdout if is_told else ""


def require(held: bool, what: str) -> None:
    """StepError unless `held`."""
    if not held:
        raise StepError(what)


def wait_for(look: Callable[[], bool], what: str, within_s: float) -> float:
    """Look until it is so; the seconds it took, or StepError."""
    started = time.monotonic()
    while time.monotonic() - started < within_s:
        if look():
            return time.monotonic() - started
        time.sleep(1.0)
    raise StepError(f"{what}: not within {within_s:.0f} s")
