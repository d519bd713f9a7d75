"""The installer's side of the test: an inventory with secrets that must not show up anywhere, and the plays."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tools.deploy_test.machine import BOX, SSH
from tools.deploy_test.report import StepError, require, run

PORT = 8443
PERSON = "demo-1"
PASSWORD, CAMERA_SECRET = "correct horse battery 17", "camera-Pa55word-29"
_RECAP = re.compile(r"ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")


@dataclass(frozen=True, slots=True)
class Play:
    """How a play went."""

    changed: int
    failed: int
    said: str


@dataclass(slots=True)
class Installer:
    """A laptop with the role, the archives and a list of people."""

    root: Path
    work: Path
    ansible: Path
    public_key: str
    said: list[str] = field(default_factory=list)
    """Everything any play printed."""

    @property
    def handover(self) -> Path:
        """Where claim codes and tokens end up."""
        return self.work / "handover"

    def token(self, host: str) -> str:
        """The token of the central server."""
        return (self.handover / host / "central.token").read_text("utf-8").strip()

    def secrets(self, host: str) -> list[str]:
        """What must be in no log and no diff."""
        code = (self.handover / host / "claim_code").read_text("utf-8").strip()
        return [PASSWORD, CAMERA_SECRET, code, self.token(host)]

    def prepare(self, archives: Path, hosts: dict[str, dict[str, str]]) -> None:
        """Write inventory and list of people."""
        shutil.rmtree(self.handover, ignore_errors=True)
        self._enrol(archives / "reference" / "portrait.png")
        variables = {
            "edge_release_signers": [self.public_key],
            "edge_wheelhouse_dir": str(archives),
            "edge_handover_dir": str(self.handover),
            "edge_port": PORT,
            "edge_users": [{"name": "ann", "role": "supervisor", "password": PASSWORD}],
            "edge_tokens": [{"name": "central", "scopes": ["alerts:read", "health:read"]}],
            "edge_watchlist": str(self.work / "people.zip"),
            "edge_credentials": {"spare": CAMERA_SECRET},
            "edge_cameras": [{"name": "door", "source": "file:/opt/edge/current/reference/clip.avi", "loop": True}],
        }
        inventory = {"edge_boxes": {"vars": variables, "hosts": hosts}}
        (self.work / "inventory.json").write_text(json.dumps(inventory), "utf-8")

    def _enrol(self, portrait: Path) -> None:
        shutil.rmtree(self.work / "people", ignore_errors=True)
        env = os.environ | {"EDGE_DATA_DIR": str(self.work / "people")}
        edge = [sys.executable, "-m", "edge"]
        run([*edge, "enrol", "--id", PERSON, "--name", "Demo", "--status", "demo", portrait], cwd=self.root, env=env)
        run([*edge, "watchlist", "export", self.work / "people.zip"], cwd=self.root, env=env)

    def play(self, book: str, host: str, version: str, *more: str) -> Play:
        """Run a play on one host, whatever comes of it."""
        command = [self.ansible / "ansible-playbook", "-i", self.work / "inventory.json", "--limit", host, book]
        command += ["-e", f"edge_version={version}", "--diff", *more]
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.root / "deploy" / "ansible",
            env=self.env(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        self.said.append(said)
        with (self.work / "plays.log").open("a", encoding="utf-8") as log:
            log.write(f"\n##### {book} {host} {version} {' '.join(more)}\n{said}")
        found = _RECAP.search(said)
        if found is None:
            raise StepError(f"{book} on {host} did not run: ...{said[-2000:]}")
        return Play(int(found[2]), int(found[3]) + int(found[4]), said)

    def apply(self, host: str, version: str, *more: str) -> Play:
        """Run site.yml; StepError unless it went through."""
        done = self.play("site.yml", host, version, *more)
        require(done.failed == 0, f"the play failed: ...{done.said[-3000:]}")
        return done

    def env(self) -> dict[str, str]:
        """Ansible's own commands first, and no colors."""
        path = f"{self.ansible}:{os.environ.get('PATH', '')}"
        return os.environ | {"PATH": path, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}


def by_ssh(key: Path) -> dict[str, str]:
    """Inventory line of the booted machine."""
    return {"ansible_host": BOX, "ansible_user": "root", "ansible_ssh_private_key_file": str(key),
            "ansible_ssh_common_args": " ".join(SSH)}  # fmt: skip


def by_chroot(folder: Path) -> dict[str, str]:
    """Inventory line of a folder."""
    return {"ansible_connection": "community.general.chroot", "ansible_host": str(folder)}
