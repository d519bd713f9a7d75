"""Configuration: strict, helpful, and the same from file and environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config import PACKAGED_MODELS, CameraConfig, Config, ServeConfig, StatusConfig, load, pack_link, status_of
from edge.errors import ConfigError, ExitCode


def write(folder: Path, text: str) -> Path:
    path = folder / "edge.toml"
    path.write_text(text, "utf-8")
    return path


def test_least_configuration_of_the_contract(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'data_dir = "/var/lib/edge"\n[serve]\nhost = "127.0.0.1"\nport = 8080\n'
        '[[camera]]\nname = "door"\nsource = "v4l2:/dev/video0"\n',
    )
    config = load(path, {})
    assert config.data_dir == Path("/var/lib/edge")
    assert [c.name for c in config.camera] == ["door"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[serve]\nprot = 1\n", "did you mean 'port'"),
        ("[recognise]\nmin_similarty = 0.4\n", "did you mean 'min_similarity'"),
        ("data_dri = '/x'\n", "did you mean 'data_dir'"),
        ('[[camera]]\nname = "a"\nsorce = "file:a"\n', "did you mean 'source'"),
        ("[serve]\nport = 99999\n", "serve.port"),
        (
            '[[camera]]\nname = "a"\nsource = "file:a"\n[[camera]]\nname = "a"\nsource = "file:b"\n',
            ": two cameras are called 'a'",
        ),
        ('[camera]\nname = "a"\nsource = "file:a"\n', "write [[camera]], in double brackets"),
        ('[[camera]]\nname = "a"\n', "camera.0.source: is missing"),
        ('[status.banned]\nsevrity = "urgent"\n', "did you mean 'severity'"),
        ("[serve\n", "not valid TOML"),
        pytest.param("a = " + "[" * 50_000, "not valid TOML", id="deep"),
        pytest.param(f"[serve]\nport = {'9' * 5000}\n", "not valid TOML", id="long"),
        ("[recognise]\nmin_similarity = nan\n", "recognise.min_similarity"),
        ("[serve]\nport = true\n", "serve.port = True: is no number; give one"),
        ("[recognise]\nmin_similarity = true\n", "recognise.min_similarity = True: is no number"),
    ],
)
def test_mistakes_are_named_with_the_way_out(tmp_path: Path, text: str, wanted: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert wanted in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == ExitCode.CONFIG


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such configuration file"):
        load(tmp_path / "none.toml", {})


def test_environment_lies_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "[serve]\nport = 1\nhost = '::1'\n")
    cameras = json.dumps([{"name": "yard", "source": "folder:frames"}])
    config = load(
        path, {"EDGE_SERVE__PORT": "2", "EDGE_DATA_DIR": "/d", "EDGE_CAMERA": cameras, "EDGE_TEST_DATA": "/t"}
    )
    assert config.serve == ServeConfig(host="::1", port=2)
    assert config.data_dir == Path("/d")
    assert config.camera == (CameraConfig(name="yard", source="folder:frames"),)


@pytest.mark.parametrize("name", ["EDGE_DATA_DRI", "EDGE_SERVE__PROT", "EDGE_CAMERA__NAME", "EDGE_CAMERA"])
def test_environment_is_as_strict_as_the_file(name: str) -> None:
    with pytest.raises(ConfigError):
        load(None, {name: "[1"})


@pytest.mark.parametrize(
    ("env", "told"),
    [
        (
            {"EDGE_CAMERA": '[{"name": "a", "source": "file:a", "masks": [{"x": 0, "y": 0}], "masks": []}]'},
            "EDGE_CAMERA: not valid JSON: the key 'masks' appears twice",
        ),
        ({"EDGE_DATA_DIR": "/a", "EDGE_data_dir": "/b"}, "EDGE_DATA_DIR and EDGE_data_dir are both in the environment"),
    ],
    ids=["masks", "spellings"],
)
def test_what_the_environment_says_twice_is_refused(env: dict[str, str], told: str) -> None:
    """The first of the two, such as a privacy mask, would be lost without a word."""
    with pytest.raises(ConfigError) as caught:
        load(None, env)
    assert str(caught.value).startswith(told)


@given(
    port=st.integers(0, 65535), gap=st.floats(0.1, 1000), names=st.sets(st.from_regex(r"\A[a-z]{1,8}\Z"), max_size=4)
)
def test_settings_survive_json(port: int, gap: float, names: set[str]) -> None:
    config = Config.model_validate(
        {
            "serve": {"port": port},
            "visit": {"gap_s": gap},
            "camera": [{"name": name, "source": f"folder:{name}"} for name in sorted(names)],
        }
    )
    assert Config.model_validate_json(config.model_dump_json()) == config


def test_a_status_has_a_table_of_its_own(tmp_path: Path) -> None:
    text = (
        '[status."shop ban"]\nwords = "Call the manager"\nseverity = "urgent"\n[review]\nsecond_person_for = ["lost"]\n'
    )
    config = load(write(tmp_path, text), {"EDGE_STATUS__LOST__COOLDOWN_S": "90"})
    ban = status_of("shop ban", config.status, config.review)
    assert (ban.words, ban.severity, ban.sounds, ban.repeats_s) == ("Call the manager", "urgent", "rising", 10.0)
    lost = status_of("lost", config.status, config.review)
    assert (lost.severity, lost.sounds, lost.second_person, lost.cooldown_s) == ("normal", "calm", True, 90.0)
    assert status_of("any other", config.status, config.review) == StatusConfig()
    with pytest.raises(ConfigError, match="did you mean 'severity'"):
        load(write(tmp_path, '[status.banned]\nseverty = "urgent"\n'), {})
    with pytest.raises(ConfigError, match=r"status\.banned\.severity"):
        load(write(tmp_path, '[status.banned]\nseverity = "loud"\n'), {})


@pytest.mark.parametrize(
    "text",
    [
        '[status.Banned]\nseverity = "urgent"\n[review]\nsecond_person_for = ["BANNED"]\n',
        '[status."  banned"]\nsecond_person = true\n[review]\nurgent_for = ["Banned"]\n',
    ],
)
def test_a_status_is_the_same_in_any_case(tmp_path: Path, text: str) -> None:
    """A list that says `banned` must not sound calm because the table says `Banned`."""
    config = load(write(tmp_path, text), {})
    for status in ("banned", "Banned"):
        meant = status_of(status, config.status, config.review)
        assert (meant.severity, meant.second_person) == ("urgent", True)
    shop = Config(status={"Shop-Ban": StatusConfig(severity="urgent")})
    assert status_of("shop ban", shop.status, shop.review).severity == "urgent"
    with pytest.raises(ConfigError, match="one status, written in two ways"):
        load(write(tmp_path, text + '[status.banned]\nwords = "Stop"\n'), {})


@pytest.mark.parametrize(
    "host",
    ["http://0.0.0.0", "0.0.0.0:8080", "[::1]", "a b", "box/", "-box", "x" * 64, "box..local", "box\n", "fe80::g"],
)
def test_what_is_no_host_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match=r"serve\.host.*no address or host name"):
        load(write(tmp_path, f"[serve]\nhost = {json.dumps(host)}\n"), {})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "fe80::1%eth0", "localhost", "box_1.local", "gate-3.example.org."])
def test_addresses_and_names_are_hosts(host: str) -> None:
    assert load(None, {"EDGE_SERVE__HOST": host}).serve.host == host


@pytest.mark.parametrize("name", ["gate\n3", " gate", "gate\u202e3"])
def test_a_box_has_a_name_that_can_be_shown(name: str) -> None:
    with pytest.raises(ConfigError, match=r"box_id.*take it out"):
        load(None, {"EDGE_BOX_ID": name})
    assert load(None, {"EDGE_BOX_ID": "Tor Süd 3"}).box_id == "Tor Süd 3"


def test_a_time_zone_is_one_that_there_is(tmp_path: Path) -> None:
    assert load(write(tmp_path, '[site]\ntime_zone = "Europe/Berlin"\n'), {}).site.time_zone == "Europe/Berlin"
    for name in ("Europe/Berln", "../etc", "CET7"):
        with pytest.raises(ConfigError, match="no such time zone"):
            load(write(tmp_path, f'[site]\ntime_zone = "{name}"\n'), {})


def test_the_pack_that_was_chosen_counts_unless_another_is_set(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "models").mkdir(parents=True)
    plain = load(write(tmp_path, f'data_dir = "{data}"\n'), {})
    assert plain.models_dir == PACKAGED_MODELS
    assert pack_link(plain) == data / "models" / "current"
    (data / "models" / "current").symlink_to("gone-pack")
    chosen = load(tmp_path / "edge.toml", {})
    assert chosen.models_dir == data / "models" / "current" == pack_link(chosen)
    given = load(tmp_path / "edge.toml", {"EDGE_MODELS_DIR": str(tmp_path / "mine")})
    assert given.models_dir == tmp_path / "mine" == pack_link(given)


def test_a_byte_order_mark_is_read_and_other_encodings_are_named(tmp_path: Path) -> None:
    text = '[[camera]]\nname = "door"\nsource = "file:Tür.mp4"\n'
    path = tmp_path / "edge.toml"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load(path, {}).camera[0].source == "file:Tür.mp4"
    for encoding, word in (("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-32", "UTF-32"), ("latin-1", "line 3")):
        path.write_bytes(text.encode(encoding))
        with pytest.raises(ConfigError, match=word) as caught:
            load(path, {})
        assert "UTF-8" in str(caught.value)


def test_an_empty_folder_is_not_the_folder_one_happens_to_be_in(tmp_path: Path) -> None:
    path = write(tmp_path, 'data_dir = "/var/lib/edge"\n')
    with pytest.raises(ConfigError, match="data_dir = '': is empty"):
        load(path, {"EDGE_DATA_DIR": ""})
    with pytest.raises(ConfigError, match="models_dir = '': is empty"):
        load(path, {"EDGE_MODELS_DIR": ""})
