"""A virtual machine with Debian's kernel and the trixie root folder, read-only: what a container lacks, such as vivid.

QEMU emulates the processor, as hardware help is rarely there; the first process is a script of our own.
"""

from __future__ import annotations

import lzma
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.cameras.trixie import PRODUCT, PYTHON, UnavailableError

PROGRAM = "qemu-system-x86_64"
LIMIT_S = 3000
_MODULES = ("9pnet_virtio", "9p")
_INIT = """#!/bin/busybox sh
set -e
cd /
for kind in proc sysfs devtmpfs; do /bin/busybox mount -t $kind $kind /$kind; done
for module in /modules/*; do /bin/busybox insmod $module; done
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 root /system
/bin/busybox mount --move /proc /system/proc
/bin/busybox mount --move /sysfs /system/sys
/bin/busybox mount --move /devtmpfs /system/dev
/bin/busybox mount -t tmpfs tmp /system/tmp
/bin/busybox mount -t tmpfs run /system/run
exec /bin/busybox switch_root /system /bin/sh -c '
  export PATH=/usr/sbin:/usr/bin LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH={product}
  {python} {script} > /dev/ttyS1 2>&1; sleep 1; echo o > /proc/sysrq-trigger; sleep 60'
"""


def run(rootfs: Path, script: str) -> str:
    """Boot, run `script` of the root folder, switch off; what it printed. Raises UnavailableError without QEMU."""
    if shutil.which(PROGRAM) is None:
        raise UnavailableError("needs qemu-system-x86")
    with tempfile.TemporaryDirectory() as folder:
        start, console, said = (Path(folder, name) for name in ("start", "console", "said"))
        start.write_bytes(_first_files(rootfs, _INIT.format(product=PRODUCT, python=PYTHON, script=script)))
        share = f"local,path={rootfs},mount_tag=root,security_model=none,readonly=on,multidevs=remap"
        command = [PROGRAM, "-accel", "tcg", "-cpu", "max", "-m", "1024", "-display", "none", "-nodefaults"]
        command += ["-no-reboot", "-serial", f"file:{console}", "-serial", f"file:{said}", "-virtfs", share]
        command += ["-kernel", str(next((rootfs / "boot").glob("vmlinuz-*"))), "-initrd", str(start)]
        # A starved emulator fails the kernel's check of its timer.
        command += ["-append", "console=ttyS0 quiet panic=-1 no_timer_check"]
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"not done within {LIMIT_S} s: {said.read_text()[-2000:]}") from None
        text = said.read_text("utf-8", "replace") if said.exists() else ""
        assert text, f"nothing was said; the console's end: {console.read_text('utf-8', 'replace')[-2000:]}"
        return text


def _first_files(rootfs: Path, init: str) -> bytes:
    """The archive that the kernel starts from: busybox, the modules that mount the root folder, the first script."""
    folder = next((rootfs / "usr/lib/modules").iterdir())
    files = [(name, 0o040755, b"") for name in ("bin", "modules", "system", "proc", "sysfs", "devtmpfs")]
    files.append(("bin/busybox", 0o100755, (rootfs / "usr/bin/busybox").read_bytes()))
    for number, module in enumerate(_in_order(folder)):
        files.append((f"modules/{number:02}.ko", 0o100644, lzma.decompress((folder / module).read_bytes())))
    files += [("init", 0o100755, init.encode()), ("TRAILER!!!", 0, b"")]
    return b"".join(_entry(number, *file) for number, file in enumerate(files, 1))


def _in_order(folder: Path) -> list[str]:
    """Files of the modules, each after those it needs."""
    needs = {}
    for line in (folder / "modules.dep").read_text().splitlines():
        file, _, others = line.partition(":")
        needs[file] = others.split()
    found: list[str] = []
    for name in _MODULES:
        file = next(file for file in needs if Path(file).name == f"{name}.ko.xz")
        found += [other for other in (*reversed(needs[file]), file) if other not in found]
    return found


def _entry(number: int, name: str, mode: int, data: bytes) -> bytes:
    """One file of a cpio archive in the new ASCII format."""
    path = os.fsencode(name) + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + path
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
