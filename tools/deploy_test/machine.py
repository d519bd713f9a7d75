"""A Debian folder as a box: made once by debootstrap, copied for each use, entered by chroot or booted by nspawn.

The booted one has a virtual cable to this machine and to nothing else: whatever it needs has to come in the archive.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tools.deploy_test.report import StepError, run, wait_for

PACKAGES = "systemd,systemd-sysv,dbus,python3,openssh-server,iproute2"
"""Nothing but what a Debian server with ssh has; no pip, no compiler, no python3-venv."""
SUITE = "bookworm"
HOST, BOX = "10.213.7.1", "10.213.7.2"
SSH = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]


def base(work: Path) -> Path:
    """The blank system, made once."""
    folder = work / f"base-{SUITE}"
    if not (folder / ".made").exists():
        _unmount_proc(folder)  # of a debootstrap that broke off
        run(["rm", "-rf", "--one-file-system", folder])
        run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, folder])
        _unmount_proc(folder)
        (folder / ".made").touch()
    return folder


def fresh(work: Path, name: str) -> Path:
    """A copy of the blank system."""
    folder = work / name
    if folder.exists():
        run(["rm", "-rf", "--one-file-system", folder])
    # Within one file system: a /proc that is still mounted there would be copied, and fill the disk.
    run(["cp", "-a", "--one-file-system", "--reflink=auto", base(work), folder])
    (folder / "etc" / "hostname").write_text(f"{name}\n", "utf-8")
    return folder


def _unmount_proc(folder: Path) -> None:
    """Whatever debootstrap has left mounted there; nothing where it left nothing."""
    subprocess.run(["umount", "--quiet", str(folder / "proc")], check=False)


class Chroot:
    """A folder with /proc and /dev, in which no systemd runs: as while an image for many boxes is made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Chroot:
        run(["mount", "-t", "proc", "proc", self.folder / "proc"])
        run(["mount", "--bind", "/dev", self.folder / "dev"])
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("dev", "proc"):
            subprocess.run(["umount", "--lazy", str(self.folder / name)], check=False)


class Booted:
    """A booted machine, reached by ssh."""

    def __init__(self, folder: Path, work: Path) -> None:
        self.folder = folder
        self.name = folder.name
        self.key = work / "ssh_key"
        self._console = work / f"{self.name}.console"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Booted:
        self._prepare()
        command = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--network-veth"]
        command += [f"--machine={self.name}", f"--directory={self.folder}"]
        with self._console.open("wb") as console:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True
            )
        try:
            self._plug_in()
            wait_for(lambda: self.try_ssh("true").returncode == 0, f"ssh to {self.name}", 120)
        except StepError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        self.try_ssh("systemctl poweroff --no-block")
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)

    def try_ssh(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a shell line on the box."""
        line = ["ssh", *SSH, "-o", "ConnectTimeout=5", "-i", str(self.key), f"root@{BOX}", command]
        return subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)

    def ssh(self, command: str) -> str:
        """Run a shell line on the box; StepError where it fails."""
        done = self.try_ssh(command)
        if done.returncode != 0:
            raise StepError(
                f"on the box, `{command}` ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}"
            )
        return done.stdout.strip()

    def _prepare(self) -> None:
        if not self.key.exists():
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key])
        ssh = self.folder / "root" / ".ssh"
        ssh.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(self.key.with_suffix(".pub"), ssh / "authorized_keys")
        network = self.folder / "etc" / "systemd" / "network" / "10-host0.network"
        network.parent.mkdir(parents=True, exist_ok=True)
        network.write_text(f"[Match]\nName=host0\n[Network]\nAddress={BOX}/30\nLinkLocalAddressing=no\n", "utf-8")
        run(["chroot", self.folder, "systemctl", "--quiet", "enable", "systemd-networkd", "ssh"])

    def _plug_in(self) -> None:
        cable = f"ve-{self.name}"[:15]
        wait_for(lambda: Path(f"/sys/class/net/{cable}").exists(), f"the cable {cable}", 30)
        run(["ip", "address", "replace", f"{HOST}/30", "dev", cable])
        run(["ip", "link", "set", cable, "up"])
