"""The role's templates and the deploy test's edits against the product as it is; `make deploy-test` does the rest."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jinja2
import pytest

from edge.config import Config, RuntimeConfig, load
from edge.sessions import Pack
from tests.support.paths import ROOT
from tools.deploy_test import later
from tools.deploy_test.__main__ import BROKEN_EDITS, NEXT_EDITS

ROLE = ROOT / "deploy" / "ansible" / "roles" / "edge"


def render(name: str, **values: Any) -> str:
    """A template as Ansible renders it: blocks leave no line behind."""
    env = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    env.filters["to_json"] = lambda value, ensure_ascii=True: json.dumps(value, ensure_ascii=ensure_ascii)
    usual = {"ansible_managed": "by the play", "edge_data": "/var/lib/edge", "edge_etc": "/etc/edge"}
    return env.from_string((ROLE / "templates" / name).read_text("utf-8")).render(usual | values)


def settings(tmp_path: Path, cameras: list[dict[str, Any]], tables: dict[str, Any], more: dict[str, Any]) -> Config:
    path = tmp_path / "edge.toml"
    path.write_text(render("edge.toml.j2", edge_cameras=cameras, edge_tables=tables, edge_settings=more), "utf-8")
    return load(path, {})


def test_the_inventory_becomes_settings_the_product_takes(tmp_path: Path) -> None:
    cameras = [
        {"name": "gate", "source": "rtsp://viewer:{credential:gate}@192.0.2.21/s", "fps": 12.5,
         "masks": [{"x": 0.0, "y": 0.0, "width": 0.3, "height": 1.0}]},
        {"name": "door", "source": 'file:/a "quoted"\\name/ä.avi', "loop": True},
    ]  # fmt: skip
    tables = {"serve": {"host": "0.0.0.0", "port": 8443, "tls": "on"}, "review": {"urgent_for": ["missing", "banned"]}}
    config = settings(tmp_path, cameras, tables, {"box_id": "gate-7", "serve": {"session_hours": 1}})
    assert (config.serve.port, config.serve.tls, config.box_id) == (8443, "on", "gate-7")
    assert config.review.urgent_for == ("missing", "banned")
    assert config.camera[0].masks[0].width == 0.3
    assert config.camera[1].source == 'file:/a "quoted"\\name/ä.avi'
    assert config.camera[1].loop


def test_a_status_may_have_any_name(tmp_path: Path) -> None:
    named = {"banned": {"severity": "urgent"}, "Hausverbot erteilt": {"severity": "urgent"}, "vermißt": {}, 'a"b': {}}
    assert list(settings(tmp_path, [], {"status": named}, {}).status) == list(named)


def test_a_system_that_has_not_booted_gets_no_identity() -> None:
    """Commands that open the database run on booted systems alone: boxes from one image would share what they made."""
    tasks = ROLE / "tasks"
    main = (tasks / "main.yml").read_text("utf-8")
    for name in ("accounts", "people"):
        assert f"import_tasks: {name}.yml\n  when: edge_is_booted\n" in main
    opens = {"accounts.yml", "people.yml"}
    others = [path for path in tasks.glob("*.yml") if path.name not in opens]
    assert not [path.name for path in others for word in ("'token'", "'user'", "'import'") if word in path.read_text()]
    secrets = (tasks / "secrets.yml").read_text("utf-8")
    assert "(['claim_code'] if edge_is_booted else [])" in secrets
    assert "edge_is_booted or edge_tls_key | length == 0" in (tasks / "preflight.yml").read_text("utf-8")
    assert "loop: [edge.db, epoch, box.key, audit.key, tls.key, tls.crt]" in (tasks / "verify.yml").read_text("utf-8")


def test_the_unit_keeps_its_promises() -> None:
    unit = render("edge.service.j2", edge_cache="/var/cache/edge", edge_watchdog_s=30, edge_memory_max="75%")
    lines = set(unit.splitlines())
    assert {
        "Type=notify", "WatchdogSec=30", "User=edge", "ProtectSystem=strict", "DevicePolicy=closed", "MemoryMax=75%",
        "MemorySwapMax=0",
        "DeviceAllow=char-video4linux rw", "StateDirectory=edge", "CacheDirectory=edge", "ConfigurationDirectory=edge",
        "RestartPreventExitStatus=78", "OOMPolicy=continue", "NoNewPrivileges=yes", "CapabilityBoundingSet=",
    } <= lines  # fmt: skip
    assert "NUMBA_CACHE_DIR=/var/cache/edge/numba" in unit
    assert "MemoryDenyWriteExecute=" not in "".join(line for line in lines if not line.startswith("#"))


@pytest.mark.parametrize(
    ("board", "provider", "device"),
    [
        ("jetson", "cuda", "char-nvmap"),
        ("jetson", "cuda", "char-*.gpu"),
        ("raspberrypi", "cpu", "char-dma_heap"),
        ("generic", "cuda", "char-nvidia-uvm"),
    ],
)
def test_each_board_opens_its_devices(board: str, provider: str, device: str) -> None:
    assert device in render("board.conf.j2", edge_board_found=board, edge_provider=provider)
    assert device not in render("board.conf.j2", edge_board_found="generic", edge_provider="cpu")


def test_secrets_are_named_in_the_unit_and_never_told() -> None:
    said = render("credentials.conf.j2", edge_secret_names=["tls.key", "claim_code"])
    assert "LoadCredential=claim_code:/etc/edge/credentials/claim_code" in said


def test_the_command_is_a_shell_script(tmp_path: Path) -> None:
    path = tmp_path / "edge"
    path.write_text(render("edge.sh.j2", edge_cache="/var/cache/edge"), "utf-8")
    assert subprocess.run(["sh", "-n", str(path)], check=False).returncode == 0


def test_what_the_deploy_test_breaks_is_still_there() -> None:
    for file, (text, _) in [*NEXT_EDITS.items(), *BROKEN_EDITS.items()]:
        assert text in (ROOT / file).read_text("utf-8")


def test_a_later_release_has_another_schema_and_an_embedder_with_another_hash(tmp_path: Path) -> None:
    """The same network, so the answers the pack was sealed with hold: only its name in all files is another."""
    shutil.copytree(ROOT / later.MODELS, tmp_path / later.MODELS)
    shutil.copytree(ROOT / later.MIGRATIONS, tmp_path / later.MIGRATIONS)
    models = tmp_path / later.MODELS
    before = Pack.open(models).find("embed")
    assert later.add_migrations(tmp_path, 2) == len(list((tmp_path / later.MIGRATIONS).glob("*.sql")))
    made = later.note_embedder(tmp_path, "later")
    assert Pack.open(models).find("embed").sha256 == made != before.sha256
    assert not [path.name for path in models.glob("*.json") if before.sha256 in path.read_text("utf-8")]
    assert [line.problem for line in Pack.open(models).verify(RuntimeConfig()) if line.entry.task == "embed"] == [None]
