"""Encryption: the box's own certificate, an installer's, and clients that must show one."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import shutil
import ssl
import stat
import subprocess
from pathlib import Path

import aiohttp
import pytest

from edge.config import ServeConfig
from edge.errors import ConfigError
from edge.reach import is_encrypted
from edge.serve.http import tls
from edge.serve.http.tls import server_identity
from tests.support.serve.web_client import served

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the command openssl")


@pytest.mark.parametrize(
    ("host", "mode", "wanted"),
    [
        ("127.0.0.1", "auto", False),
        ("127.0.0.2", "auto", False),
        ("localhost", "auto", False),
        ("::1", "auto", False),
        ("0.0.0.0", "auto", True),
        ("192.168.1.4", "auto", True),
        ("::", "auto", True),
        ("::1a2b", "auto", True),
        ("localhost.example", "auto", True),
        ("0.0.0.0", "off", False),
        ("127.0.0.1", "on", True),
    ],
)
def test_it_is_on_wherever_others_can_reach_the_page(host: str, mode: str, wanted: bool) -> None:
    assert is_encrypted(ServeConfig(host=host, tls=mode)) is wanted


@needs_openssl
def test_the_boxs_own_certificate_is_kept_and_its_key_is_private(tmp_path: Path) -> None:
    config = ServeConfig(host="0.0.0.0")
    first = server_identity(config, tmp_path, "gate-2")
    again = server_identity(config, tmp_path, "gate-2")
    assert first is not None
    assert again is not None
    assert first.is_own
    assert first.fingerprint == again.fingerprint
    told = subprocess.run(
        ["openssl", "x509", "-in", str(tmp_path / "tls.crt"), "-noout", "-fingerprint", "-sha256"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert told.partition("=")[2] == first.fingerprint
    assert stat.S_IMODE((tmp_path / "tls.key").stat().st_mode) == 0o600
    renamed = server_identity(config, tmp_path, "gate-3")
    assert renamed is not None
    assert renamed.fingerprint != first.fingerprint
    assert server_identity(ServeConfig(), tmp_path, "gate-2") is None


def test_one_that_runs_out_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "VALID_DAYS", tls.RENEW_DAYS - 1)
    first = server_identity(ServeConfig(tls="on"), tmp_path, "gate-2")
    monkeypatch.undo()
    second = server_identity(ServeConfig(tls="on"), tmp_path, "gate-2")
    assert first is not None
    assert second is not None
    assert first.fingerprint != second.fingerprint
    (tmp_path / "tls.crt").write_text("damaged")
    assert server_identity(ServeConfig(tls="on"), tmp_path, "gate-2") is not None


@needs_openssl
def test_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    server_identity(ServeConfig(tls="on"), tmp_path, "a")
    cert, key, other = tmp_path / "tls.crt", tmp_path / "tls.key", tmp_path / "other.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", str(other)], check=True, capture_output=True)
    for config in (
        ServeConfig(tls_cert=cert),
        ServeConfig(tls_cert=cert, tls_key=other),
        ServeConfig(tls_cert=tmp_path / "none", tls_key=key),
        ServeConfig(tls="on", client_ca=key),
        ServeConfig(tls="off", tls_cert=cert, tls_key=key),
    ):
        with pytest.raises(ConfigError, match=r"serve|PEM"):
            server_identity(config, tmp_path, "a")
    given = server_identity(ServeConfig(tls_cert=cert, tls_key=key), tmp_path / "unused", "b")
    assert given is not None
    assert not given.is_own


def test_a_pinned_fingerprint_or_the_certificate_itself_is_trusted(tmp_path: Path) -> None:
    async def check() -> None:
        async with served(ServeConfig(tls="on"), tmp_path) as (url, shown), aiohttp.ClientSession() as http:
            pin = aiohttp.Fingerprint(bytes.fromhex(shown.replace(":", "")))
            async with http.get(url, ssl=pin) as answer:
                assert await answer.text() == "https"
            trusting = ssl.create_default_context(cafile=str(tmp_path / "tls.crt"))
            async with http.get(url, ssl=trusting) as answer:
                assert answer.status == 200
            wrong = aiohttp.Fingerprint(hashlib.sha256(b"other").digest())
            for refused in (wrong, True):
                with pytest.raises(aiohttp.ClientError):
                    await http.get(url, ssl=refused)
            with pytest.raises(aiohttp.ClientError):
                await http.get(url.replace("https", "http"))

    asyncio.run(check())


def test_with_a_client_authority_only_its_clients_get_in(tmp_path: Path) -> None:
    box, client, stranger = tmp_path / "box", tmp_path / "client", tmp_path / "stranger"
    for folder in (box, client, stranger):
        folder.mkdir()
        server_identity(ServeConfig(tls="on"), folder, folder.name)

    async def check() -> None:
        config = ServeConfig(tls="on", client_ca=client / "tls.crt")
        async with served(config, box) as (url, _), aiohttp.ClientSession() as http:
            for who, is_let_in in ((None, False), (stranger, False), (client, True)):
                context = ssl.create_default_context(cafile=str(box / "tls.crt"))
                if who is not None:
                    context.load_cert_chain(who / "tls.crt", who / "tls.key")
                if is_let_in:
                    async with http.get(url, ssl=context) as answer:
                        assert answer.status == 200
                else:
                    with pytest.raises((aiohttp.ClientError, ssl.SSLError, ConnectionError)):
                        await http.get(url, ssl=context)

    asyncio.run(check())


@needs_openssl
def test_a_box_without_a_clock_gets_a_certificate_that_lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Early(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return dt.datetime(1970, 1, 1, 0, 1, tzinfo=tz)

    monkeypatch.setattr(tls.dt, "datetime", Early)
    server_identity(ServeConfig(tls="on"), tmp_path, "gate-2")
    told = subprocess.run(
        ["openssl", "x509", "-in", str(tmp_path / "tls.crt"), "-noout", "-enddate"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert int(told.split()[-2]) >= 2028
