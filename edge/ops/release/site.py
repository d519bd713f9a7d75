"""The machine that is updated: systemd's unit, the service's user, and each release's own `edge` command."""

from __future__ import annotations

import json
import logging
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import ReleaseError
from edge.ops.release.gate import Gate
from edge.ops.system.systemd import is_booted

log = logging.getLogger(__name__)

CACHE = Path("/var/cache/edge")
COMMAND_S = 900
"""Longest a release's own command may take; a check of a new release compiles its kernels."""


@dataclass(frozen=True, slots=True)
class SystemdSite:
    """An appliance whose service systemd runs."""

    root: Path
    unit: str = "edge.service"
    user: str = "edge"
    wait_s: float = 120.0

    @property
    def is_up(self) -> bool:
        """Whether systemd runs here."""
        return is_booted()

    def stop(self) -> None:
        """Stop the service and wait for its end; where no systemd runs, no service does."""
        self._systemctl("stop", self.unit)

    def start(self) -> None:
        """Start the service without waiting; the gate checks that it comes up."""
        self._systemctl("reset-failed", self.unit, is_needed=False)
        self._systemctl("start", "--no-block", self.unit)

    def edge(self, version: str, *words: str) -> dict[str, Any]:
        """Run a release's `edge ... --json` as the service's user, with that release's configuration."""
        home = self.root / "releases" / version
        command = [str(home / "venv" / "bin" / "edge"), *words, "--json", "--config", str(home / "edge.toml")]
        try:
            done = subprocess.run(
                command, **self._as_user(), capture_output=True, text=True, timeout=COMMAND_S, cwd="/", check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ReleaseError(f"release {version} can't run `edge {' '.join(words)}`: {error}") from None
        if done.returncode != 0:
            said = done.stderr.strip().removeprefix("edge: ")[-1000:] or done.stdout.strip()[-1000:]
            raise ReleaseError(f"`edge {' '.join(words)}` of {version} ended with {done.returncode}: {said}")
        return dict(json.loads(done.stdout))

    def gate(self, version: str, mark: dict[str, Any]) -> None:
        """Wait until the service has shown that it works."""
        token = str(self.edge(version, "release", "token")["token"])
        config = self.root / "releases" / version / "edge.toml"
        try:
            gate = Gate(config, self.unit, token, lambda: self.edge(version, "release", "database"))
            gate.wait_until_good(version, mark, self.wait_s)
        finally:
            try:
                self.edge(version, "release", "token", "--revoke")
            except ReleaseError as error:  # must not change the outcome of the gate or of the update
                log.warning("the token of this check could not be revoked; it expires within an hour: %s", error)

    def _as_user(self) -> dict[str, Any]:
        """Return the subprocess.run arguments that switch to the service's user; without root the user stays."""
        env = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
        if CACHE.is_dir():
            env |= {"NUMBA_CACHE_DIR": str(CACHE / "numba"), "XDG_CACHE_HOME": str(CACHE)}
        if os.geteuid() != 0:
            return {"env": env}
        try:
            account = pwd.getpwnam(self.user)
        except KeyError:
            raise ReleaseError(f"there is no user {self.user!r}; install the service first, or give --user") from None
        groups = os.getgrouplist(self.user, account.pw_gid)
        return {"env": env, "user": account.pw_uid, "group": account.pw_gid, "extra_groups": groups, "umask": 0o077}

    def _systemctl(self, *words: str, is_needed: bool = True) -> None:
        if not self.is_up:
            return
        done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)
        if done.returncode != 0 and is_needed:
            raise ReleaseError(f"systemctl {' '.join(words)}: {done.stderr.strip()}")
