"""What counts as another machine, told by the files in which the system describes itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.store.identity.marks import changed, is_other_machine, read_marks


def machine(root: Path, **parts: str) -> dict[str, tuple[str, ...]]:
    """A board with its files: `machine_id`, `serial`, `mac`, `disk`; what is not given is not there."""
    net, disk = root / "sys/class/net", root / "sys/block/mmcblk0/device"
    for name, text in (("etc/machine-id", "machine_id"), ("proc/device-tree/serial-number", "serial")):
        if text in parts:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(parts[text] + ("\0" if text == "serial" else "\n"))
    for number, address in enumerate(parts.get("mac", "").split()):
        (net / f"eth{number}" / "device").mkdir(parents=True)
        (net / f"eth{number}" / "address").write_text(address + "\n")
        (net / f"eth{number}" / "addr_assign_type").write_text("0\n")
    if "disk" in parts:
        disk.mkdir(parents=True)
        (disk / "cid").write_text(parts["disk"] + "\n")
    return read_marks(etc=root / "etc", sys=root / "sys", proc=root / "proc")


PI = {"machine_id": "aa" * 16, "serial": "100000001234abcd", "mac": "dc:a6:32:00:00:01", "disk": "1b534d"}
PC = {"machine_id": "aa" * 16, "mac": "00:1b:21:00:00:01 00:1b:21:00:00:02", "disk": "naa.5000"}


@pytest.mark.parametrize(
    ("before", "now", "kinds", "is_other"),
    [
        (PI, PI, (), False),
        (PI, PI | {"mac": "dc:a6:32:00:00:99"}, ("mac",), False),
        (PI, PI | {"disk": "1b9999"}, ("disk",), False),
        (PI, PI | {"machine_id": "bb" * 16, "disk": "1b9999"}, ("machine_id", "disk"), False),
        (PI, PI | {"machine_id": "bb" * 16, "mac": "dc:a6:32:00:00:99"}, ("machine_id", "mac"), False),
        (PI, PI | {"serial": "1000", "mac": "dc:a6:32:00:00:99"}, ("serial", "mac"), True),
        (PI, PI | {"serial": "1000", "mac": "dc:a6:32:00:00:99", "disk": "1b9999"}, ("serial", "mac", "disk"), True),
        (PC, PC | {"mac": "00:1b:21:00:00:02 aa:1b:21:00:00:09"}, (), False),
        (PC, PC | {"mac": "00:1b:21:00:00:07"}, ("mac",), False),
        (PC, PC | {"mac": "00:1b:21:00:00:07", "machine_id": "bb" * 16}, ("machine_id", "mac"), True),
        (PC, PC | {"mac": "00:1b:21:00:00:07", "disk": "naa.6000"}, ("mac", "disk"), True),
        (PC, {"machine_id": "bb" * 16}, ("machine_id",), False),
        ({}, PI, (), False),
    ],
)
def test_repairs_and_copies(
    tmp_path: Path, before: dict[str, str], now: dict[str, str], kinds: tuple[str, ...], is_other: bool
) -> None:
    one, other = machine(tmp_path / "before", **before), machine(tmp_path / "now", **now)
    assert changed(one, other) == kinds
    assert is_other_machine(one, other) is is_other


def test_what_tells_nothing_is_left_out(tmp_path: Path) -> None:
    made = machine(tmp_path, machine_id="uninitialized", serial="0000000000000000", mac="00:00:00:00:00:00")
    assert made == {}


def test_drawn_and_virtual_addresses_are_left_out(tmp_path: Path) -> None:
    machine(tmp_path, mac="00:1b:21:00:00:01 72:ea:74:44:9c:b1")
    (tmp_path / "sys/class/net/eth1/addr_assign_type").write_text("1\n")
    (tmp_path / "sys/class/net/veth0").mkdir()
    (tmp_path / "sys/class/net/veth0/address").write_text("aa:bb:cc:00:00:01\n")
    found = read_marks(etc=tmp_path / "etc", sys=tmp_path / "sys", proc=tmp_path / "proc")
    assert found == machine(tmp_path / "alone", mac="00:1b:21:00:00:01")


def test_marks_are_hashes(tmp_path: Path) -> None:
    assert PI["serial"] not in str(machine(tmp_path, **PI))
