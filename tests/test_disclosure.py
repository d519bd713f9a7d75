"""What is shown of a camera's source, and that no password gets out on any way."""

from __future__ import annotations

import io
import logging
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge import config, disclosure
from edge.app.service.logs import JsonFormatter
from edge.app.service.settings import changed_settings
from edge.capture.address import parse_source
from edge.capture.sources import open_source
from edge.config import CameraConfig, Config
from edge.errors import CameraError, ConfigError
from edge.ops.doctor.check import failed
from edge.ops.doctor.settings import check_settings, effective


@pytest.fixture(autouse=True)
def nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disclosure, "_forms", set())
    monkeypatch.setattr(disclosure, "_hosts", set())
    monkeypatch.setattr(disclosure, "_known", None)


def camera(source: str) -> CameraConfig:
    return CameraConfig(name="door", source=source)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("rtsp://admin:Wint%23er1@10.0.0.5:554/s1?x=1", "rtsp://10.0.0.5:554/s1"),
        ("rtsp://admin:p@ss1word@10.0.0.5/s1", "rtsp://10.0.0.5/s1"),
        ("rtsp://admin:pa ss:3@cam/s1", "rtsp://cam/s1"),
        ("http://T0kenT0ken@10.0.0.5/v", "http://10.0.0.5/v"),
        ("http://10.0.0.5/snap.cgi?user=admin&pwd=Winter33", "http://10.0.0.5/snap.cgi"),
        ("http://10.0.0.5/v?mail=a@b.de&x=1", "http://10.0.0.5/v"),
        (
            "rtsp://10.0.0.5/user=admin&password=Geheim99&channel=1&stream=0.sdp?",
            "rtsp://10.0.0.5/user=***&password=***&channel=1&stream=0.sdp",
        ),
        (
            "rtsp://10.0.0.5/user=admin_password=tlJwpbo6_channel=1_stream=0.sdp?real_stream",
            "rtsp://10.0.0.5/user=***_password=***_channel=1_stream=0.sdp",
        ),
        ("rtsp://10.0.0.5/user=admin&password=p@ss7&channel=1", "rtsp://10.0.0.5/user=***&password=***&channel=1"),
        ("rtsp://10.0.0.5/0/admin:hunter22/main", "rtsp://10.0.0.5/0/***/main"),
        ("rtsp://10.0.0.5/live/admin/hunter22/ch1", "rtsp://10.0.0.5/live/admin/***/ch1"),
        ("http://10.0.0.5/token/hunter22/live.jpg", "http://10.0.0.5/token/***/live.jpg"),
        ("http://h/user%3Dadmin%26password%3Dgeheim5", "http://h/user=***&password=***"),
        ("rtsp://user:pw77@[fe80::1]:554/s", "rtsp://[fe80::1]:554/s"),
        ("RTSP://admin:Zeta99@10.0.0.5/s", "rtsp://10.0.0.5/s"),
        ("file:clips/a.mp4", "file:clips/a.mp4"),
        ("v4l2:/dev/video0", "v4l2:/dev/video0"),
    ],
)
def test_scheme_host_port_and_path_are_shown(source: str, shown: str) -> None:
    assert parse_source(camera(source)).shown == shown


@pytest.mark.parametrize(
    ("login", "escaped"),
    [
        ("admin:#Sommer2024", "%23"),
        ("admin:12#34567", "%23"),
        ("admin:1/2Sommer", "%2F"),
        ("admin:/Sommer24", "%2F"),
        ("admin:Som?mer24", "%3F"),
        ("admin:?Sommer24", "%3F"),
        ("admin:Som[mer24", "%5B"),
        ("admin:S@m/mer#24", "%23"),
    ],
)
def test_a_raw_mark_in_a_login_is_refused_with_the_form_to_write(login: str, escaped: str) -> None:
    for host in ("127.0.0.1:8554", "cam.example", "cam:554"):
        with pytest.raises(ConfigError, match=escaped) as caught:
            parse_source(camera(f"rtsp://{login}@{host}/cam"))
        told = disclosure.hide(str(caught.value))
        assert f"user:pass{escaped}" in told
        assert f"word@{host}/cam" in told
        assert all(part not in told for part in ("admin", "Sommer", "mer24", "34567"))


def test_the_doctor_fails_on_it_without_opening_a_camera() -> None:
    checks = check_settings(Config(camera=[camera("rtsp://admin:#Winter22@10.0.0.5/s")]))
    assert [check.name for check in checks if check.status == "fail"] == ["source of door"]
    assert "Winter22" not in str(checks)


def test_a_raw_number_sign_anywhere_is_refused() -> None:
    with pytest.raises(ConfigError, match="%23"):
        parse_source(camera("http://10.0.0.5/a?pwd=abc#def"))


@pytest.mark.parametrize("source", ["admin:Pw12345@10.0.0.5/s", "rtsp:/admin:Pw12345@h/s", "rtps://a:Pw12345@h/s"])
def test_a_source_without_a_scheme_shows_no_password(source: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_source(camera(source))
    assert "Pw12345" not in str(caught.value)


PASSWORD = st.text(st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_categories=["Cc"]), min_size=6)


@given(PASSWORD)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_form_of_a_password_passes(password: str) -> None:
    escaped = quote(password, safe="")
    if password == "***" or escaped in "rtsp://10.0.0.5/live":
        return
    disclosure._forms.clear()
    shown = disclosure.shown(f"rtsp://guard:{escaped}@10.0.0.5/live")
    assert shown == "rtsp://10.0.0.5/live"
    for form in (password, escaped, quote(password), re.sub("%..", lambda found: found[0].lower(), escaped)):
        assert form not in disclosure.hide(f"FFmpeg says: method DESCRIBE failed for <{form}> 401")


def test_what_credentials_fill_in_is_hidden_wherever_it_comes_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cam").write_text("Gei#m/9x?\n", "utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for source in (
        "rtsp://admin:{credential:cam}@127.0.0.1:1/s",
        "rtsp://127.0.0.1:1/user=admin&password={credential:cam}&channel=1",
        "rtsp://127.0.0.1:1/live/{credential:cam}",
        "http://127.0.0.1:1/v.cgi?user=a&pwd={credential:cam}",
        "http://127.0.0.1:1/v.cgi?x={credential:cam}",
    ):
        with pytest.raises(CameraError) as caught, open_source(camera(source)):
            pass
        for form in ("Gei#m/9x?", "Gei%23m%2F9x%3F", "Gei%23m%2f9x%3f"):
            assert form not in str(caught.value), source
            assert form not in disclosure.hide(f"could not open {form}")


def test_logs_and_tracebacks_are_masked() -> None:
    disclosure.remember("rtsp://guard:Herbst%2744@10.0.0.7/live")
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(disclosure.SecretsFilter())
    log = logging.Logger("libav.rtsp")
    log.addHandler(handler)
    log.warning("%s: 401 for %s", "rtsp://guard:Herbst%2744@10.0.0.7/live?x=2", "Herbst'44")
    try:
        raise OSError("can't open 'rtsp://guard:Herbst%2744@10.0.0.7/live'")
    except OSError:
        log.exception("failed")
    assert "Herbst" not in written.getvalue()
    assert "rtsp://10.0.0.7/live" in written.getvalue()
    assert "Traceback" in written.getvalue()


def test_an_error_nobody_caught_shows_no_password() -> None:
    code = (
        "from edge import disclosure; disclosure.guard_tracebacks(); disclosure.remember('rtsp://a:Fruehling9@h/x')\n"
        "import threading\n"
        "def fail(): raise ValueError('Fruehling9')\n"
        "thread = threading.Thread(target=fail); thread.start(); thread.join(); fail()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.count("ValueError: ***") == 2
    assert "ValueError('Fruehling9')" not in ended.stderr.replace("raise ", "")


def test_other_texts_stay_as_they_are() -> None:
    for text in (
        "open http://10.1.1.1:8080/claim and enter the code x",
        "write http://user:password@host/path",
        "the page: http://127.0.0.1:8080/login/link?token=abc",
        "refused: address=10.0.0.9 what=401 api.alerts times=1",
    ):
        assert disclosure.hide(text) == text


def test_settings_doctor_audit_and_errors_of_the_configuration_show_none(tmp_path: Path) -> None:
    sources = [
        "rtsp://admin:Sommer2024@127.0.0.1:8554/cam",
        "rtsp://127.0.0.1:1/user=admin&password=Geheim99&channel=1&stream=0.sdp",
        "http://127.0.0.1:8791/missing.cgi?user=admin&pwd=Winter33",
    ]
    cameras = tuple(CameraConfig(name=f"c{at}", source=source) for at, source in enumerate(sources))
    known = Config(camera=cameras)
    told = repr(effective(known)) + repr(changed_settings(known))
    told += repr(failed("camera c0", f"FFmpeg: {sources[0]} and Winter33", "see Sommer2024"[:3]).as_json())
    file = tmp_path / "edge.toml"
    for wrong in ('name = "a"\n', "name = 5\n", 'name = "b"\nport = 5\n'):
        tables = "".join(f'[[camera]]\nname = "a"\nsource = "{source}"\n' for source in sources)
        file.write_text(f"{tables}[[camera]]\nsource = '{sources[0]}'\n{wrong}", "utf-8")
        with pytest.raises(ConfigError) as caught:
            config.load(file, {})
        told += str(caught.value)
    with pytest.raises(ConfigError) as caught:
        config.load(file, {"EDGE_CAMERA": f'{{"source": "{sources[0]}"}}'})
    told += str(caught.value)
    assert all(secret not in told for secret in ("Sommer2024", "Geheim99", "Winter33"))
