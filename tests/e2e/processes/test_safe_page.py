"""A service that can't start ends in a page that says why, on its own port, and comes up once that is mended."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.support.appliance import Appliance, clean_env


def start(box: Appliance) -> subprocess.Popen[bytes]:
    """The service as the unit starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "edge", "run", "--safe-page", "--config", box.config],
        stdout=subprocess.DEVNULL,
        stderr=(box.folder / "log.jsonl").open("ab"),
        env=clean_env(),
    )


@contextlib.contextmanager
def running(box: Appliance) -> Iterator[subprocess.Popen[bytes]]:
    process = start(box)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(120) == 0, box.log()


def ask(box: Appliance, path: str, *, tls: bool = False, **headers: str) -> tuple[int, str, str]:
    """Status, kind and body of an answer, as soon as there is one."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    url = f"http{'s' if tls else ''}://127.0.0.1:{box.port}{path}"
    ends_at = time.monotonic() + 200
    while True:
        try:
            request = urllib.request.Request(url, headers=headers)
            with urllib.request.urlopen(request, timeout=20, context=context if tls else None) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read().decode()
        except OSError:
            assert time.monotonic() < ends_at, box.log()
            time.sleep(0.1)


def until(found: Callable[[], bool], what: str) -> None:
    ends_at = time.monotonic() + 200
    while not found():
        assert time.monotonic() < ends_at, what
        time.sleep(0.2)


def test_a_wrong_setting_is_told_and_mended_without_a_restart(tmp_path: Path, demo_clip: Path) -> None:
    box = Appliance(tmp_path, camera=demo_clip)
    right = box.config.read_text("utf-8")
    box.config.write_text(right.replace('name = "door"', 'name = "door"\nfsp = 3.0\nfps = -1'), "utf-8")
    with running(box) as process:
        for path in ("/livez", "/api/v1/health", "/healthz", "/api/v1/alerts?wait=30"):
            status, kind, body = ask(box, path)
            assert (status, kind.partition(";")[0]) == (503, "application/problem+json")
            assert "fsp" in json.loads(body)["detail"]
            assert json.loads(body)["title"] == "Its configuration is wrong."
        status, kind, page = ask(box, "/hits", **{"Accept": "text/html", "Accept-Language": "de"})
        assert (status, kind.partition(";")[0]) == (503, "text/html")
        assert "Keine Kamera wird beobachtet" in page
        assert "fsp" in page
        assert not box.data_dir.exists(), "it needs no data"
        box.config.write_text(right, "utf-8")
        until(lambda: ask(box, "/livez")[0] == 200, "the service")
        assert process.poll() is None


def test_starts_that_come_to_nothing_end_in_the_page(tmp_path: Path, demo_clip: Path) -> None:
    box = Appliance(tmp_path, camera=demo_clip, more='tls = "on"\n')
    box.token()
    database, own_database = box.data_dir / "edge.db", tmp_path / "own.db"
    put_another(database, own_database)
    codes = []
    for _ in range(4):
        codes.append(start(box).wait(60))
    assert codes == [74] * 4, "systemd tries again"
    with running(box):
        status, _, body = ask(box, "/healthz", tls=True)
        assert status == 503
        assert "a database of some other program" in json.loads(body)["detail"]
        first = fingerprint(box)
    # Stopped in an orderly way, by somebody who mended it: the next start counts from the beginning.
    own_database.replace(database)
    with running(box):
        until(lambda: ask(box, "/livez", tls=True)[0] == 200, "the service")
        own = fingerprint(box)
        assert own != first, "there was no certificate yet"
    put_another(database, own_database)
    assert [start(box).wait(60) for _ in range(4)] == [74] * 4
    with running(box):
        assert ask(box, "/", tls=True)[0] == 503
        assert fingerprint(box) == own, "servers that pin it find it unchanged"


def put_another(database: Path, aside: Path) -> None:
    """Put the database of some other program where the box has its own."""
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.replace(aside)
    for name in ("edge.db-wal", "edge.db-shm"):
        database.with_name(name).unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA application_id = 1")
        db.execute("CREATE TABLE recipes (name TEXT)")
        db.commit()


def fingerprint(box: Appliance) -> bytes:
    pem = ssl.get_server_certificate(("127.0.0.1", box.port))
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256())


def test_by_hand_it_just_ends(tmp_path: Path) -> None:
    box = Appliance(tmp_path)
    assert box.start().wait(60) == 78


@pytest.mark.parametrize("text", ["[serve]\nport = 99999999\n", "data_dir = [[[\n"])
def test_where_nobody_knows_the_address_it_ends_with_78(tmp_path: Path, text: str) -> None:
    box = Appliance(tmp_path)
    box.config.write_text(text, "utf-8")
    assert start(box).wait(60) == 78


def test_no_password_is_shown(tmp_path: Path) -> None:
    box = Appliance(tmp_path)
    more = '[[camera]]\nname = "door"\nsource = "rtps://ann:se@cret@10.0.0.9/s"\n'
    box.config.write_text(box.config.read_text("utf-8") + more, "utf-8")
    with running(box):
        _, _, body = ask(box, "/")
        assert "secret" not in body
        assert "ann" not in body
        assert "cret" not in body
