"""What is tried on the booted machine, in order. Each step returns what it found, or fails."""

from __future__ import annotations

import hashlib
import json
import ssl
import time
import urllib.request
from typing import Any

from tools.deploy_test import holdings
from tools.deploy_test.installer import PERSON, PORT, Installer
from tools.deploy_test.machine import BOX, Booted
from tools.deploy_test.releases import HANG
from tools.deploy_test.report import require, wait_for

FIRST, NEXT, BROKEN = "0.1.0", "0.1.1", "0.1.2"
EXPOSURE = 1.5
WHY_BROKEN = "broken on purpose"
"""What the broken release says when it crashes."""
CRASHES_S = 600
"""Seconds for three crashes; the gate gives up after the third, so that a fast machine does not wait for it."""


class Steps:
    """The steps on one box."""

    def __init__(self, box: Booted, installer: Installer) -> None:
        self.box = box
        self.installer = installer

    def blank_check(self) -> str:
        """`--check` on a blank box announces changes and makes none."""
        done = self.installer.play("site.yml", self.box.name, FIRST, "--check")
        require(done.failed == 0, f"the play failed: ...{done.said[-2000:]}")
        require(done.changed > 5, f"only {done.changed} changes are told of")
        left = self.box.ssh(
            "ls -d /opt/edge /etc/edge /var/lib/edge /usr/local/bin/edge 2>/dev/null; id edge 2>/dev/null; true"
        )
        require(not left, f"it left something: {left}")
        return f"{done.changed} changes told of, none made"

    def converge(self) -> str:
        """A blank box becomes a working one."""
        return f"{self.installer.apply(self.box.name, FIRST).changed} changed"

    def changes_nothing(self, version: str = FIRST, *more: str) -> str:
        """Nothing changes a second time."""
        done = self.installer.apply(self.box.name, version, *more)
        require(done.changed == 0, f"{done.changed} changed: {changes(done.said)}")
        return "changed=0"

    def is_active(self, version: str = FIRST) -> str:
        """The service is up, with this version."""
        wait_for(lambda: self._show("ActiveState") == "active", "the service", 120)
        found = json.loads(self.box.ssh("edge release list --json"))
        current = [line["version"] for line in found if line["current"]]
        require(current == [version], f"in use: {current}")
        require(not any(line["trial"] for line in found), "still on trial")
        return f"{version}, {self._show('StatusText') or 'active'}"

    def serves_page(self) -> str:
        """The page answers over TLS, with the certificate that was handed over."""
        handed = (self.installer.handover / self.box.name / "certificate_sha256").read_text("utf-8")
        pem = ssl.get_server_certificate((BOX, PORT))
        found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
        require(found == handed.replace(":", "").strip(), "another certificate than the one handed over")
        require(self._get("/livez", None) == b"ok\n", "no sign of life")
        require(b"<html" in self._get("/login", None), "no page")
        return "page and certificate"

    def delivers_hit(self) -> str:
        """The hit of the demo clip is pulled with the token that was handed over."""
        started, after, token = time.monotonic(), "", self.installer.token(self.box.name)
        while time.monotonic() - started < 180:
            page = json.loads(self._get(f"/api/v1/alerts?wait=10&limit=200{after}", token))
            after = f"&after={page['next']}"
            for item in page["items"]:
                if item["type"] == "alert.created" and item["person"]["id"] == PERSON:
                    return f"similarity {item['similarity']:.2f}"
        require(False, "no hit within 180 s")
        return ""

    def checks_models(self) -> str:
        """The box judges its own models, with nothing but what the archive brought."""
        for command in ("models check", "probe --dry-run"):
            said = self.box.try_ssh(f"cd /tmp && edge {command} --json")
            require(said.returncode == 0, f"edge {command}: {(said.stdout + said.stderr)[-1000:]}")
        return "models check, probe"

    def survives_kill(self) -> str:
        """After a kill the service comes back by itself."""
        before = self._restarts()
        self.box.ssh("kill -9 $(systemctl show --value --property MainPID edge.service)")
        took = wait_for(lambda: self._restarts() > before and self._show("ActiveState") == "active", "its return", 180)
        return f"back in {took:.0f} s"

    def watchdog_kills_hang(self) -> str:
        """A stage that hangs is killed by the watchdog, and the service comes back."""
        before = self._restarts()
        self.box.ssh(f"touch {HANG}")
        took = wait_for(lambda: self._restarts() > before, "the watchdog", 180)
        self.box.ssh(f"rm {HANG}")
        said = self.box.ssh("journalctl --no-pager --unit edge.service | grep -ci 'watchdog timeout'")
        require(int(said) > 0, "restarted, but not by the watchdog")
        wait_for(lambda: self._show("ActiveState") == "active", "its return", 180)
        return f"killed after {took:.0f} s"

    def unit_is_confined(self) -> str:
        """The unit is confined as far as promised, and well-formed."""
        said = self.box.ssh("systemd-analyze security --no-pager edge.service | tail -n 1")
        exposure = float(said.split(":")[1].split()[0])
        require(exposure <= EXPOSURE, said)
        verified = self.box.try_ssh("systemd-analyze verify edge.service edge-settle.service")
        require(verified.returncode == 0 and not verified.stderr, verified.stderr)
        return f"exposure {exposure}"

    def leaks_no_secret(self) -> str:
        """No secret is in the journal, in a file that others can read, or in what the plays printed."""
        for secret in self.installer.secrets(self.box.name):
            line = f"journalctl --no-pager | grep -cF -- '{secret}'; true"
            require(self.box.ssh(line) == "0", "a secret is in the journal")
            found = self.box.ssh(
                f"grep -rlF -- '{secret}' /etc /opt/edge/releases/*/*.* /var/log /tmp 2>/dev/null; true"
            )
            others = [path for path in found.splitlines() if not path.startswith("/etc/edge/credentials/")]
            require(not others, f"a secret is in {others}")
            require(not any(secret in said for said in self.installer.said), "a secret is in what the plays printed")
        modes = set(self.box.ssh("stat -c '%a %U' /etc/edge/credentials/*").splitlines())
        require(modes == {"600 root"}, f"secrets are {modes}")
        return "nowhere"

    def updates(self) -> str:
        """An update to a good release, of another schema and embedder, is accepted; all stays, embedded anew."""
        before = holdings.look(self.box.ssh)
        self.installer.apply(self.box.name, NEXT)
        told = self.is_active(NEXT)
        after = holdings.look(self.box.ssh)
        before.require_kept(after)
        require(after.schema > before.schema, f"the schema is still {after.schema}")
        require(len(after.embedders) == 1 and after.embedders != before.embedders, f"embedded with {after.embedders}")
        self._recognises_anew()
        return f"{told}; schema {after.schema}, {len(after.people)} people, {len(after.hits)} hits"

    def rolls_back(self) -> str:
        """An update to a broken release is rolled back by itself, for its crashes, and all is as it was before."""
        before = holdings.look(self.box.ssh)
        done = self.installer.play("site.yml", self.box.name, BROKEN, "-e", f"edge_update_wait_s={CRASHES_S}")
        require(done.failed == 1, "the play did not fail")
        require(f"{BROKEN} was rolled back" in done.said, f"not said: ...{done.said[-1500:]}")
        self.is_active(NEXT)
        outcome = json.loads(self.box.ssh("cat /opt/edge/outcome.json"))
        require(not outcome["accepted"], "noted as accepted")
        require("the service crashed" in outcome["why"], f"rolled back for something else: {outcome['why']}")
        said = self.box.ssh(f"journalctl --no-pager --unit edge.service | grep -c '{WHY_BROKEN}'; true")
        require(int(said) > 0, "it crashed, but not of what was broken")
        after = holdings.look(self.box.ssh)
        before.require_kept(after)
        require(after.schema == before.schema, f"the schema was {before.schema}, is {after.schema}")
        require(after.embedders == before.embedders, f"embedded with {after.embedders}")
        self._recognises_anew()
        return str(outcome["why"])

    def _recognises_anew(self) -> None:
        """Page and feed answer as ever, and the person on the list is recognised in what the camera shows now.

        The clip is played again and again, so that it is one visit and one hit, which is brought up to date.
        """
        self.serves_page()
        self.delivers_hit()
        seen = holdings.look(self.box.ssh).seen_at
        wait_for(lambda: holdings.look(self.box.ssh).seen_at > seen, "the person seen again", 180)

    def repairs(self) -> str:
        """A run repairs what an interrupted one left half-done."""
        self.box.ssh(
            f"rm -r /opt/edge/releases/{NEXT}/installed.json /usr/local/bin/edge /etc/edge/credentials/claim_code "
            "/etc/systemd/system/multi-user.target.wants/edge.service"
        )
        done = self.installer.apply(self.box.name, NEXT)
        require(done.changed > 0, "nothing was mended")
        return self.changes_nothing(NEXT)

    def uninstall(self) -> str:
        """Only the data is left, and with a word nothing."""
        done = self.installer.play("uninstall.yml", self.box.name, NEXT)
        require(done.failed == 0, done.said[-2000:])
        look = (
            "find / -xdev \\( -name '*edge*' -o -nouser \\) -not -path '/proc/*' -not -path '/run/*' "
            "-not -path '/sys/*' 2>/dev/null | grep -v -e /usr/share -e /usr/lib -e /var/log/journal -e python; true"
        )
        left = [line for line in self.box.ssh(look).splitlines() if not line.startswith("/var/lib/edge/")]
        require(left == ["/var/lib/edge"], f"left: {left}")
        require(self.box.ssh("stat -c '%U %a' /var/lib/edge/edge.db") == "root 600", "the data is not root's")
        self.installer.play("uninstall.yml", self.box.name, NEXT, "-e", "edge_remove_data=true")
        left = self.box.ssh(look).splitlines()
        require(not left, f"left: {left}")
        return "first the data, then nothing"

    def _show(self, what: str) -> str:
        return self.box.ssh(f"systemctl show --value --property {what} edge.service")

    def _restarts(self) -> int:
        return int(self._show("NRestarts") or 0)

    def _get(self, path: str, token: str | None) -> bytes:
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(f"https://{BOX}:{PORT}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=30, context=tls) as answer:
            body: Any = answer.read()
        return bytes(body)


def changes(said: str) -> str:
    """Names of the tasks that changed something."""
    tasks, name = [], ""
    for line in said.splitlines():
        if line.startswith("TASK ["):
            name = line
        elif line.startswith("changed:"):
            tasks.append(name)
    return ", ".join(tasks)
