"""What tells one machine from another: machine id, serial number, network cards and disks, each as a hash.

Only what belongs to the machine for good: addresses that were drawn or set by hand, and virtual cards, are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

KINDS = {"machine_id": "machine id", "serial": "serial number", "mac": "MAC address", "disk": "disk"}
"""Each kind of mark, and its name in sentences."""

Marks = Mapping[str, tuple[str, ...]]
"""Hashes by kind, sorted; a kind that this machine does not tell is missing."""
_EMPTY = frozenset({"", "uninitialized", "none", "unknown", "default string", "to be filled by o.e.m.", "0"})


def read_marks(
    *, etc: Path = Path("/etc"), sys: Path = Path("/sys"), proc: Path = Path("/proc")
) -> dict[str, tuple[str, ...]]:
    """The marks of the machine that these folders describe; what can't be read is left out."""
    found = {
        "machine_id": [_text(etc / "machine-id")],
        "serial": [_text(proc / "device-tree" / "serial-number") or _text(sys / "class/dmi/id/product_uuid")],
        "mac": list(_addresses(sys / "class" / "net")),
        "disk": list(_disks(sys / "block")),
    }
    hashed = {kind: tuple(sorted({_hash(kind, one) for one in found[kind] if _tells(one)})) for kind in KINDS}
    return {kind: hashes for kind, hashes in hashed.items() if hashes}


def changed(before: Marks, now: Marks) -> tuple[str, ...]:
    """The kinds that both tell and that have nothing in common, in the order of `KINDS`."""
    both = [kind for kind in KINDS if before.get(kind) and now.get(kind)]
    return tuple(kind for kind in both if not set(before[kind]) & set(now[kind]))


def is_other_machine(before: Marks, now: Marks) -> bool:
    """Whether this is another machine than before: two kinds changed, one of them the board's own.

    A new network card, a new disk or a new system alone is a repair. The same serial number is the same board.
    """
    kinds = changed(before, now)
    if before.get("serial") and now.get("serial") and "serial" not in kinds:
        return False
    return len(kinds) >= 2 and ("mac" in kinds or "serial" in kinds)


def _addresses(folder: Path) -> Iterator[str]:
    """Addresses burnt into cards that are there."""
    for card in sorted(folder.glob("*")):
        # Virtual cards have no device; of the others, only type 0 is the card's own address and not drawn or set.
        if (card / "device").exists() and _text(card / "addr_assign_type") in ("", "0"):
            yield _text(card / "address")


def _disks(folder: Path) -> Iterator[str]:
    for disk in sorted(folder.glob("*")):
        if (disk / "removable").exists() and _text(disk / "removable") == "1":
            continue
        yield next(filter(None, (_text(disk / "device" / name) for name in ("cid", "wwid", "serial"))), "")
        yield _text(disk / "serial")


def _tells(text: str) -> bool:
    return text.lower() not in _EMPTY and bool(text.strip("0:-."))


def _hash(kind: str, text: str) -> str:
    # The machine id is nobody else's business (machine-id(5)), nor are the others.
    return hashlib.sha256(f"edge machine {kind} {text.lower()}".encode()).hexdigest()[:16]


def _text(path: Path) -> str:
    try:
        return path.read_bytes()[:256].decode("utf-8", "replace").strip("\0 \t\r\n")
    except OSError:
        return ""
