"""What comes from outside as a pack: archives that are damaged, addresses that are not pinned, signatures of others."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

from edge.app.packs import pull
from edge.config import Config
from edge.errors import ConfigError, ImageError, ModelError, ServiceError
from tests.support.models.packs import archive, left_over, make_pack


def test_garbage_is_no_archive(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "pack.tar"
    path.write_bytes(b"no archive" * 1000)
    with pytest.raises(ImageError, match="not a whole tar"):
        pull.pull(config, str(path))
    with pytest.raises(ImageError, match="no such file"):
        pull.pull(config, str(tmp_path / "none.tar"))


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_an_archive_that_is_damaged_inside_is_said_so(config: Config, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "pack.tar"
    with tarfile.open(path, f"w:{kind}") as tar:  # type: ignore[call-overload]
        for file in sorted(make_pack(tmp_path / "new").iterdir()):
            tar.add(file, file.name)
    whole = path.read_bytes()
    for place in (len(whole) // 2, len(whole) // 3):
        path.write_bytes(whole[:place] + bytes(byte ^ 0xFF for byte in whole[place : place + 64]) + whole[place + 64 :])
        with pytest.raises((ImageError, ModelError)):
            pull.pull(config, str(path))
    assert left_over(config) == []


def test_an_address_must_be_pinned_and_answer(config: Config, tmp_path: Path) -> None:
    _, sha256 = archive(tmp_path, make_pack(tmp_path / "new"))

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/pack.tar.gz"
        try:
            with pytest.raises(ImageError, match="must be pinned"):
                pull.pull(config, url)
            with pytest.raises(ServiceError, match="404"):
                pull.pull(config, url + ".none", sha256=sha256)
            assert pull.pull(config, f"{url}#sha256={sha256}").sha256 == sha256
        finally:
            server.shutdown()
    with pytest.raises(ServiceError, match="can't be fetched"):
        pull.pull(config, url, sha256=sha256)


def _key(folder: Path, name: str) -> Path:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True, stdin=subprocess.DEVNULL
    )
    return folder / name


def _sign(path: Path, key: Path, namespace: str = "edge-release") -> None:
    path.with_name(path.name + ".sig").unlink(missing_ok=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", namespace, str(path)],
        check=True,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen (apt: openssh-client)")
def test_with_signers_only_signed_packs_are_taken(config: Config, tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "new")
    path, sha256 = archive(tmp_path, pack)
    ours, others = _key(tmp_path, "ours"), _key(tmp_path, "others")
    signers = tmp_path / "signers"
    signers.write_text(f"# who may release\nedge-release {(tmp_path / 'ours.pub').read_text('utf-8')}", "utf-8")
    strict = config.model_copy(update={"signers": signers})
    with pytest.raises(ImageError, match="no signature there"):
        pull.pull(strict, str(path), sha256=sha256)
    with pytest.raises(ImageError, match="carries no signature"):
        pull.pull(strict, str(pack))
    _sign(path, others)
    with pytest.raises(ImageError, match="not in `signers`"):
        pull.pull(strict, str(path))
    _sign(path, ours, "file")
    with pytest.raises(ImageError, match="signed for 'file'"):
        pull.pull(strict, str(path))
    _sign(path, ours)
    assert pull.pull(strict, str(path)).is_signed
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ImageError, match="altered after signing"):
        pull.pull(strict, str(path))
    (tmp_path / "pack.tar.gz.sig").write_text("no signature\n", "utf-8")
    with pytest.raises(ImageError, match="no OpenSSH signature"):
        pull.pull(strict, str(path))
    signers.write_text("nobody\n", "utf-8")
    with pytest.raises(ConfigError, match="holds no ssh-ed25519 key"):
        pull.pull(strict, str(path))
    with pytest.raises(ImageError, match="set `signers`"):
        pull.pull(config, str(path), signature=str(path))
