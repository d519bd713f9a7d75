"""`make deploy-test`: lint and syntax anywhere; the rest where there is root, debootstrap and systemd-nspawn."""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import sys
from pathlib import Path

from tools.data import ROOT
from tools.deploy_test import machine, steps
from tools.deploy_test.installer import Installer, by_chroot, by_ssh
from tools.deploy_test.releases import HANG, Releases
from tools.deploy_test.report import Report, require, run
from tools.deploy_test.steps import BROKEN, FIRST, NEXT, WHY_BROKEN, Steps

ROLE = ROOT / "deploy" / "ansible"
STAGE = "        started, observer = time.perf_counter(), self.observer\n        result = self._result(frame"
HUNG = f"        while __import__('os').path.exists('{HANG}'):\n            time.sleep(1)\n{STAGE}"
READY = '                notify_systemd("READY=1")'
NEXT_EDITS = {"edge/app/service/vision.py": (STAGE, HUNG)}
BROKEN_EDITS = {"edge/app/service/parts.py": (READY, f"                raise RuntimeError('{WHY_BROKEN}')")}
"""File -> text in it and what takes its place, in the archives of the next and of the broken version."""


def main() -> int:
    """Run everything that can be run here; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make deploy-test", description=__doc__)
    parser.add_argument("--lint", action="store_true", help="lint and syntax alone")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "deploy")
    args = parser.parse_args()
    report = Report()
    args.work.mkdir(parents=True, exist_ok=True)
    releases = Releases(ROOT, args.work)
    installer = Installer(ROOT, args.work, ROOT / "build" / "ansible" / "bin", "ssh-ed25519 AAAA")
    lint(report, installer)
    if args.lint:
        return report.summary()
    if (why := missing()) is not None:
        report.skip("everything on a machine", why)
        return report.summary()
    if report.step("archives: as it is, a next one, a broken one", lambda: build(releases)):
        installer.public_key = releases.public_key
        on_machines(report, installer, releases, args.work)
    return report.summary()


def lint(report: Report, installer: Installer) -> None:
    """What needs no machine."""
    env, bin_ = installer.env(), installer.ansible
    offline: list[str | Path] = [bin_ / "ansible-lint", "--offline", "--nocolor", "--profile", "production"]
    report.step("ansible-lint, production profile", functools.partial(run, offline, cwd=ROLE, env=env, is_told=False))
    for book in ("site.yml", "uninstall.yml"):
        command: list[str | Path] = [bin_ / "ansible-playbook", "-i", "inventory.example.yml", "--syntax-check", book]
        report.step(f"syntax of {book}", functools.partial(run, command, cwd=ROLE, env=env, is_told=False))


def missing() -> str | None:
    """What the rest needs and is not here."""
    if os.geteuid() != 0:
        return "needs root"
    tools = [name for name in ("debootstrap", "systemd-nspawn", "ssh-keygen", "ip") if shutil.which(name) is None]
    return (
        f"needs {', '.join(tools)} (apt install debootstrap systemd-container openssh-client iproute2)"
        if tools
        else None
    )


def build(releases: Releases) -> str:
    """Three archives; the later ones each have a schema and an embedder of their own."""
    made = [releases.build(FIRST)]
    made.append(releases.build(NEXT, NEXT_EDITS, steps=1))
    made.append(releases.build(BROKEN, BROKEN_EDITS, steps=2))
    return ", ".join(f"{path.name} {path.stat().st_size / 1e6:.0f} MB" for path in made)


def on_machines(report: Report, installer: Installer, releases: Releases, work: Path) -> None:
    """The folder, then the booted machine."""
    if not report.step("blank system", lambda: machine.base(work) and None):
        return
    folder, box = machine.fresh(work, "folder"), machine.Booted(machine.fresh(work, "box"), work)
    installer.prepare(releases.folder, {"folder": by_chroot(folder), "box": by_ssh(box.key)})
    with machine.Chroot(folder):
        report.step("folder: converge", lambda: f"{installer.apply('folder', FIRST).changed} changed")
        report.step("folder: nothing changes a second time", lambda: unchanged(installer))
        report.step("folder: no identity in it", lambda: no_identity(folder))
    run(["rm", "-rf", "--one-file-system", folder])
    report.step("box, booted", lambda: boot(report, box, installer))
    for name in ("a camera", "a GPU, its provider and its driver", "a Jetson", "a Raspberry Pi"):
        report.skip(f"on {name}", "no such hardware here")


def boot(report: Report, box: machine.Booted, installer: Installer) -> str:
    """All steps of the booted machine; its own failure is that it does not boot."""
    with box:
        on_booted(report, Steps(box, installer))
    return "booted, and shut down again"


def unchanged(installer: Installer) -> str:
    """A second run in the folder."""
    done = installer.apply("folder", FIRST)
    require(done.changed == 0, f"{done.changed} changed: {steps.changes(done.said)}")
    return "changed=0"


def no_identity(folder: Path) -> str:
    """What was installed into a folder that never booted carries nothing that a second box would share."""
    left = sorted(path.name for path in (folder / "var/lib/edge").iterdir())
    require(not {"edge.db", "box.key", "tls.key", "audit.key"} & set(left), f"in the data folder: {left}")
    secrets = sorted(path.name for path in (folder / "etc/edge/credentials").iterdir())
    require("claim_code" not in secrets, f"secrets: {secrets}")
    return "none"


def on_booted(report: Report, do: Steps) -> None:
    """Everything on the booted machine, from blank to blank."""
    report.step("box: --check --diff on a blank box changes nothing", do.blank_check)
    if not report.step("box: converge", do.converge):
        return
    report.step("box: nothing changes a second time", do.changes_nothing)
    report.step("box: --check --diff finds nothing to do", lambda: do.changes_nothing(FIRST, "--check"))
    report.step("box: service active", do.is_active)
    report.step("box: page over TLS", do.serves_page)
    report.step("box: hit pulled with a token", do.delivers_hit)
    report.step("box: its models are checked and probed", do.checks_models)
    report.step("box: kill -9", do.survives_kill)
    report.step("box: exposure and form of the unit", do.unit_is_confined)
    report.step("box: update to a good release", do.updates)
    report.step("box: a hung pipeline is killed by the watchdog", do.watchdog_kills_hang)
    report.step("box: a broken release is rolled back", do.rolls_back)
    report.step("box: a run mends what another left half-done", do.repairs)
    report.step("box: no secret in journal, files or output", do.leaks_no_secret)
    report.step("box: uninstall", do.uninstall)


if __name__ == "__main__":
    sys.exit(main())
