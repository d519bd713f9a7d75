"""A Debian trixie root folder with libcamera, picamera2, a kernel and what `edge.capture` needs; made once.

The picture pipelines of a Raspberry Pi come with Debian's libcamera; picamera2 is PyPI's, in a virtual environment that
sees the system's packages, as on the board itself. It lies under build/. Nothing here runs a test.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import ssl
import subprocess
from pathlib import Path

from tests.support.paths import ROOT

FOLDER = ROOT / "build" / "cameras"
ROOTFS = FOLDER / "rootfs"
PYTHON = "/opt/edge/bin/python"
PRODUCT = "/opt/product"
MIRROR = "http://deb.debian.org/debian"

_BASE = "ca-certificates,python3,python3-venv,python3-pip,kmod,busybox-static"
_PACKAGES = (
    "python3-libcamera libcamera-ipa python3-numpy python3-prctl python3-piexif python3-libarchive-c "
    "gcc libc6-dev libcap-dev python3-dev"
)
_SCRIPT = f"""set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends {_PACKAGES}
cd /opt
apt-get download -qq linux-image-$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: linux-image-//p')
dpkg -x linux-image-*.deb /
rm linux-image-*.deb
depmod $(ls /usr/lib/modules)
python3 -m venv --system-site-packages /opt/edge
/opt/edge/bin/pip install --quiet --disable-pip-version-check picamera2==0.3.38 {{wheels}}
apt-get clean
"""


class UnavailableError(Exception):
    """Why the folder can't be made here."""


def rootfs() -> Path:
    """The folder, with this product's own code copied in anew; raises UnavailableError."""
    if os.geteuid() != 0:
        raise UnavailableError("needs root (debootstrap, chroot)")
    script = _SCRIPT.format(wheels=" ".join(locked("pydantic", "opencv-python-headless")))
    stamp = FOLDER / hashlib.sha256((_BASE + script).encode()).hexdigest()[:16]
    if not stamp.exists():
        _make(script)
        stamp.touch()
    target = ROOTFS / PRODUCT.strip("/")
    shutil.rmtree(target, ignore_errors=True)
    for name in ("edge", "tests/cameras"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    # An emulated processor would need minutes for it.
    subprocess.run(inside(PYTHON, "-m", "compileall", "-q", PRODUCT), check=True)
    return ROOTFS


def locked(*names: str) -> list[str]:
    """`name==version` as in the lock file, so that the product's own wheels are installed."""
    text = (ROOT / "requirements.lock").read_text("utf-8")
    return [match for name in names for match in re.findall(rf"^({re.escape(name)}==[^ ;\\]+)", text, re.MULTILINE)[:1]]


def inside(*arguments: str, env: dict[str, str] | None = None) -> list[str]:
    """A command line that runs `arguments` in the folder, with its own mounts and processes that end with it."""
    assert not any(" " in argument for argument in arguments)
    script = (
        'mount --bind /dev "$0/dev" && mount -t proc proc "$0/proc" && mount -t sysfs sysfs "$0/sys" && '
        'exec chroot "$0" /usr/bin/env -i "$@"'
    )
    settings = {"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C.UTF-8", **(env or {})}
    own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, str(ROOTFS)]
    return [*own, *(f"{name}={value}" for name, value in settings.items()), *arguments]


def _make(script: str) -> None:
    if shutil.which("debootstrap") is None:
        raise UnavailableError("needs debootstrap")
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    FOLDER.mkdir(parents=True)
    log = FOLDER / "log"
    _run(["debootstrap", "--variant=minbase", f"--include={_BASE}", "trixie", str(ROOTFS), MIRROR], log)
    # Where packages come through a proxy of one's own, its certificate is among this machine's.
    authorities = ssl.get_default_verify_paths().cafile
    if authorities:
        shutil.copy(authorities, ROOTFS / "etc/ssl/certs/ca-certificates.crt")
    (ROOTFS / "opt/make").write_text(script)
    _run(inside("sh", "/opt/make"), log)


def _run(command: list[str], log: Path) -> None:
    with log.open("ab") as file:
        done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        last = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
        raise UnavailableError(f"packages can't be had: {' '.join(last)[:200]} (all of it in {log})")
