"""The disk under `data_dir`: free space, wear, and whether it is written faster than flash endures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.config import Config
from edge.ops.doctor.check import Check, failed, passed, warned

WORN_WARN, WORN_FAIL = 8, 10
"""Steps of a tenth of its life that an eMMC's own estimate may have used."""
FULL_WRITES, YEARS = 1000, 5
"""Full overwrites that cheap flash endures, and the years it should last."""
EARLIEST_H = 1.0
_SECTOR = 512


@dataclass(frozen=True, slots=True)
class Disk:
    """One block device, as sysfs describes it."""

    name: str
    capacity_bytes: int
    written_bytes: int
    life_used_tenths: int | None
    is_flash: bool


def check_disk(config: Config, sys_folder: Path, proc: Path, device: tuple[int, int] | None = None) -> Iterator[Check]:
    """Room at the data directory, then the device beneath it; `device` (major, minor) is looked up where not given."""
    folder = config.data_dir
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        fix = "give the service's user the folder: chown it, or set data_dir"
        yield failed("data directory", f"{folder} can't be written", fix)
        return
    yield _check_space(config, shutil.disk_usage(folder).free, os.statvfs(folder))
    if device is None:
        number = folder.stat().st_dev
        device = (os.major(number), os.minor(number))
    disk = read_disk(sys_folder, device)
    if disk is None:
        yield passed("disk wear", "the data lies on no block device of its own, so none is told")
        return
    yield _check_wear(disk)
    yield _check_write_rate(disk, _uptime_h(proc))


def read_disk(sys_folder: Path, device: tuple[int, int]) -> Disk | None:
    """The whole disk behind a partition's number; None for what is no disk, such as an overlay."""
    link = sys_folder / "dev" / "block" / f"{device[0]}:{device[1]}"
    if not link.exists():
        return None
    path = link.resolve()
    if (path / "partition").exists():
        path = path.parent
    fields = _text(path / "stat").split()
    life = _text(path / "device" / "life_time").split()
    end = _text(path / "device" / "pre_eol_info")
    life_used_tenths = max((int(part, 16) for part in life), default=None) if life else None
    if end and int(end, 16) >= 3:
        life_used_tenths = max(life_used_tenths or 0, WORN_FAIL)
    return Disk(
        name=path.name,
        capacity_bytes=int(_text(path / "size") or 0) * _SECTOR,
        written_bytes=int(fields[6]) * _SECTOR if len(fields) > 6 else 0,
        life_used_tenths=life_used_tenths,
        is_flash=_text(path / "queue" / "rotational") == "0",
    )


def _check_space(config: Config, free: int, stats: os.statvfs_result) -> Check:
    limit = config.store.min_free_bytes
    found = f"{free / 1e9:.1f} GB free at {config.data_dir}"
    if free < limit:
        fix = f"free at least {limit / 1e9:.1f} GB, or lower store.min_free_bytes"
        return failed("data directory", found, fix)
    if stats.f_files and stats.f_favail < 1000:
        return failed(
            "data directory", f"{stats.f_favail} inodes are left", "delete small files: no new one can be made"
        )
    if free < 3 * limit:
        fix = "pictures will soon be shed; free some space or lower store.max_image_bytes"
        return warned("data directory", found, fix)
    return passed("data directory", found)


def _check_wear(disk: Disk) -> Check:
    if disk.life_used_tenths is None:
        return passed("disk wear", f"{disk.name} does not tell its wear")
    found = f"{disk.name} has used about {disk.life_used_tenths * 10} % of its life"
    if disk.life_used_tenths >= WORN_FAIL:
        return failed("disk wear", found, "replace the card or disk now, and restore the data from a backup")
    if disk.life_used_tenths >= WORN_WARN:
        return warned("disk wear", found, "plan to replace the card or disk, and keep a backup of data_dir")
    return passed("disk wear", found)


def _check_write_rate(disk: Disk, uptime_h: float) -> Check:
    """What the whole machine wrote since its start, as GB a day, against what flash of that size bears for years."""
    if uptime_h < EARLIEST_H or not disk.capacity_bytes:
        return passed("disk writes", f"{disk.name}: too early to say, the machine is up for {uptime_h:.1f} h")
    a_day = disk.written_bytes / 1e9 / uptime_h * 24
    budget = disk.capacity_bytes / 1e9 * FULL_WRITES / (YEARS * 365)
    found = f"{disk.name}: {a_day:.1f} GB a day since its start"
    if disk.is_flash and a_day > budget:
        fix = "find what writes (swap, logs, visit.update_every_s), or take a larger or an industrial disk"
        return warned("disk writes", f"{found}, over the {budget:.1f} GB that it bears for {YEARS} years", fix)
    return passed("disk writes", f"{found}, {budget:.0f} GB are borne" if disk.is_flash else found)


def _uptime_h(proc: Path) -> float:
    try:
        return float(_text(proc / "uptime").split()[0]) / 3600
    except (IndexError, ValueError):
        return 0.0


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""
