"""Reading requirements.lock: which pins a box needs, decided for the box's Python and platform, not for this machine's.

pip evaluates environment markers for the interpreter it runs on, whatever `--python-version` says, so the markers are
evaluated here and what is handed to pip carries none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ARCHES = ("x86_64", "aarch64")
NEWEST_GLIBC_MINOR = 35
"""The oldest system a box may run (Ubuntu 22.04 of JetPack 6) has glibc 2.35."""


@dataclass(frozen=True, slots=True)
class Target:
    """A platform and Python: `python` is "3.11", `arch` as `uname -m` says it."""

    python: str
    arch: str

    @property
    def tag(self) -> str:
        """Such as cp311-x86_64."""
        return f"cp{self.python.replace('.', '')}-{self.arch}"

    @property
    def environment(self) -> dict[str, str]:
        """What markers ask for."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": self.arch,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
            "extra": "",
        }

    @property
    def platforms(self) -> list[str]:
        """Platform tags that such a box can load, newest first."""
        newer = [f"manylinux_2_{minor}_{self.arch}" for minor in range(NEWEST_GLIBC_MINOR, 16, -1)]
        old = ["2014"] + (["2010", "1"] if self.arch == "x86_64" else [])
        return [*newer, *(f"manylinux{year}_{self.arch}" for year in old), f"linux_{self.arch}"]


@dataclass(frozen=True, slots=True)
class Pin:
    """One pinned package: its hashes, and which packages asked for it."""

    name: str
    version: str
    marker: str | None
    hashes: tuple[str, ...]
    asked_by: frozenset[str]

    def line(self, hashes: tuple[str, ...] | None = None) -> str:
        """The pin as pip reads it, without its marker."""
        return " ".join([f"{self.name}=={self.version}", *(f"--hash={one}" for one in hashes or self.hashes)])


def read_lock(text: str) -> list[Pin]:
    """All pins of a lock file as uv writes it; ValueError where a pin has no hash."""
    blocks = re.split(r"\n(?=[A-Za-z0-9])", "\n" + re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    return [_pin(block) for block in blocks if "==" in block]


def _pin(block: str) -> Pin:
    head = block.strip().splitlines()[0].rstrip("\\ ")
    wanted, _, marker = head.partition(";")
    name, _, version = wanted.strip().partition("==")
    hashes = tuple(re.findall(r"--hash=(sha256:[0-9a-f]{64})", block))
    if not hashes:
        raise ValueError(f"{head}: no hash; write the lock file anew with `make lock`")
    comments = re.findall(r"^\s+#\s+(?:via\s*)?([A-Za-z0-9._-]+)?.*$", block, flags=re.MULTILINE)
    asked_by = frozenset(canonicalize_name(one) for one in comments if one)
    return Pin(canonicalize_name(name), version, marker.strip() or None, hashes, asked_by)


def device_pins(pins: list[Pin], dependencies: list[str], target: Target) -> list[Pin]:
    """The pins that `dependencies` (of pyproject.toml) lead to on `target`; what only extras ask for is left out."""
    there = [pin for pin in pins if pin.marker is None or Marker(pin.marker).evaluate(target.environment)]
    kept: set[str] = {canonicalize_name(Requirement(one).name) for one in dependencies}
    if missing := kept - {pin.name for pin in there}:
        raise ValueError(f"{', '.join(sorted(missing))}: not in the lock file; write it anew with `make lock`")
    while more := {pin.name for pin in there if pin.asked_by & kept} - kept:
        kept |= more
    return [pin for pin in there if pin.name in kept]
