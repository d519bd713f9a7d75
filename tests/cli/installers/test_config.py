"""`edge config` and which configuration is in use: said on stderr, shown with the origin of each value, checked."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edge.cli.installers.config import config_check
from edge.config import Config, find_origins, load
from edge.errors import ConfigError
from edge.ops.effective import settings_in_force
from tests.support.appliance import Appliance, edge
from tests.support.terminal import EDGE, typed

FILE = """
data_dir = "{folder}/data"
[serve]
port = 9001
[[camera]]
name = "door"
source = "rtsp://ann:secret@192.0.2.10/stream"
masks = [{{ x = 0.0, y = 0.0, width = 0.3, height = 1.0 }}]
[status.banned]
severity = "urgent"
"""
DOOR = '[[camera]]\nname = "door"\nsource = "csi:0"\n'


def test_every_setting_says_what_set_it(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(FILE.format(folder=tmp_path), "utf-8")
    env = {"EDGE_SERVE__HOST": "0.0.0.0", "EDGE_TEST_DATA": "/x", "EDGE_CONFIG": "/elsewhere.toml"}
    found = {one.key: one for one in settings_in_force(load(path, env), find_origins(path, env))}
    assert found["serve.port"].origin == f"file {path}"
    assert (found["serve.port"].value, found["serve.port"].default) == (9001, 8080)
    assert found["serve.host"].origin == "environment EDGE_SERVE__HOST"
    assert found["detect.min_score"].origin == "default"
    assert found["camera[door].source"].origin == f"file {path}"
    assert found["camera[door].fps"].origin == "default"
    assert found["camera[door].masks[0].width"].origin == f"file {path}"
    assert found["status.banned.severity"].value == "urgent"
    assert found["status.banned.words"].is_default
    assert "secret" not in str(found)


def test_a_list_from_the_environment_counts_for_its_parts(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(FILE.format(folder=tmp_path), "utf-8")
    env = {"EDGE_CAMERA": '[{"name": "door", "source": "v4l2:/dev/video0"}]'}
    found = {one.key: one for one in settings_in_force(load(path, env), find_origins(path, env))}
    assert found["camera[door].source"].origin == "environment EDGE_CAMERA"
    assert found["camera[door].source"].value == "v4l2:/dev/video0"


def test_a_pack_that_was_chosen_is_no_default(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "current").symlink_to(tmp_path)
    env = {"EDGE_DATA_DIR": str(tmp_path)}
    found = {one.key: one for one in settings_in_force(load(None, env), find_origins(None, env))}
    assert found["models_dir"].origin == "edge models use"


def test_which_file_is_in_use_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "edge.toml"
    path.write_text("", "utf-8")
    told = find_origins(None, {"EDGE_CONFIG": str(path), "EDGE_SERVE__PORT": "1"}).told()
    assert told == f"configuration: {path} (named by EDGE_CONFIG), 1 setting from the environment"
    monkeypatch.setattr("edge.config.origins.DEFAULT_PATH", tmp_path / "none.toml")
    assert "none.toml does not exist; only the defaults in force" in find_origins(None, {}).told()


def test_a_file_that_a_variable_names_in_vain_is_told_with_the_variable(tmp_path: Path) -> None:
    env = {"EDGE_CONFIG": str(tmp_path / "none.toml")}
    with pytest.raises(ConfigError, match="no such configuration file; correct the variable EDGE_CONFIG"):
        load(None, env)
    assert find_origins(None, env).told().endswith("none.toml (named by EDGE_CONFIG) does not exist"), "no defaults"


def test_the_commands_tell_what_is_in_force_and_where_it_comes_from(tmp_path: Path) -> None:
    box = Appliance(tmp_path)
    refused = box.edge("config", "check")
    assert (refused.returncode, "no camera is configured" in refused.stderr) == (78, True), "the service refuses it"
    done = box.edge("config", "diff", "--json")
    keys = {one["key"]: one for one in json.loads(done.stdout)}
    assert set(keys) == {"data_dir", "serve.port"}
    assert keys["serve.port"]["default"] == Config().serve.port
    assert done.stderr == "", "the file was named on the command line"
    shown = box.edge("config", "show", "serve")
    assert str(box.port) in shown.stdout
    assert "recognise" not in shown.stdout
    assert box.edge("config", "show", "serf").returncode == 2
    box.config.write_text(DOOR, "utf-8")
    assert box.edge("config", "check").returncode == 0
    box.config.write_text(f"[detect]\nkeep_score = 0.9\n{DOOR}", "utf-8")
    warned = box.edge("config", "check")
    assert (warned.returncode, "keep_score 0.9 is over min_score" in warned.stderr) == (0, True)
    box.config.write_text("[detekt]\n", "utf-8")
    assert box.edge("config", "check").returncode == 78


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[camera]]\nname = "door"\nsource = "ftp://192.0.2.10/s"\n', "has no known scheme; write one of"),
        ('[[camera]]\nname = "door"\nsource = "rtsp://ann:se#cret@192.0.2.10/s"\n', "write # as %23"),
        (f'[serve]\ntls_cert = "cert.pem"\ntls = "on"\n{DOOR}', "tls_cert and tls_key belong together"),
        (f'[serve]\ntls_cert = "no.pem"\ntls_key = "no.pem"\ntls = "on"\n{DOOR}', "no.pem: can't be used for TLS"),
        (f'[serve]\nclient_ca = "ca.pem"\n{DOOR}', "tls is off, but"),
    ],
)
def test_what_a_start_would_refuse_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=re.escape(told)) as refused:
        config_check(path)
    assert "se#cret" not in str(refused.value)


def test_nothing_is_cut_off_in_a_narrow_terminal(tmp_path: Path) -> None:
    box = Appliance(tmp_path)
    source = "rtsp://192.0.2.10:554/a/long/path/to/the/main/stream/of/the/camera/at/the/gate?channel=1&subtype=0"
    box.config.write_text(f'[[camera]]\nname = "door"\nsource = "{source}"\n', "utf-8")
    shown = typed([*EDGE, "config", "show", "--config", str(box.config)])
    assert "\u2026" not in shown
    assert "serve.max_connections_per_address" in shown
    assert shown.count(str(box.config)) == 0, "the file is named once by who calls, not in each line"
    assert "trusted_proxies" in shown
    assert "()" not in shown, "lists are shown as TOML writes them"


def test_commands_without_a_file_say_which_settings_hold() -> None:
    done = edge("config", "diff", "--json")
    assert done.stderr.startswith("edge: configuration: ")
    assert done.stdout.startswith("[")


def test_an_error_stays_one_line_and_names_the_configuration(tmp_path: Path) -> None:
    done = edge("detect", tmp_path / "none.jpg", "--json")
    assert done.returncode == 69
    assert len(done.stderr.splitlines()) == 1
    assert "(configuration: " in done.stderr
