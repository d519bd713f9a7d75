"""Archives for boxes without a network: the right pins for the box, nothing unpinned, nothing unsigned."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tools.wheelhouse import archive as archives
from tools.wheelhouse import fetch
from tools.wheelhouse.fetch import BuildError
from tools.wheelhouse.lock import ARCHES, Pin, Target, device_pins, read_lock

LOCK = (ROOT / "requirements.lock").read_text("utf-8")
DEPENDENCIES = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]


def versions(target: Target) -> dict[str, str]:
    return {pin.name: pin.version for pin in device_pins(read_lock(LOCK), DEPENDENCIES, target)}


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_a_box_gets_each_package_once_and_nothing_of_the_extras(python: str, arch: str) -> None:
    pins = device_pins(read_lock(LOCK), DEPENDENCIES, Target(python, arch))
    names = [pin.name for pin in pins]
    assert len(names) == len(set(names))
    assert {"aiohttp", "numpy", "llvmlite", "onnxruntime", "cffi", "pydantic-core"} <= set(names)
    assert not {"scikit-image", "scipy", "hatchling", "pytest", "torch", "colorama"} & set(names)


def test_markers_are_judged_for_the_box_not_for_this_machine() -> None:
    text = "\n".join(
        f"numpy=={version} ; python_full_version {rule} '3.12' \\\n    --hash=sha256:{digit * 64}\n    # via numba"
        for version, rule, digit in (("2.4.6", "<", "a"), ("2.5.5", ">=", "b"))
    )
    text += "\nnumba==1 --hash=sha256:" + "c" * 64 + "\n    # via edge-faces (pyproject.toml)\n"
    picked = [
        {pin.name: pin.version for pin in device_pins(read_lock(text), ["numba>=0"], Target(python, "x86_64"))}
        for python in ("3.11", "3.13")
    ]
    assert [one["numpy"] for one in picked] == ["2.4.6", "2.5.5"]
    assert "numpy" in versions(Target("3.13", "aarch64"))


def test_a_pin_without_a_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="no hash"):
        read_lock("numpy==2.4.6\n    # via numba\n")
    with pytest.raises(ValueError, match="not in the lock file"):
        device_pins([], ["numpy"], Target("3.11", "x86_64"))


def test_what_pip_is_handed_has_no_marker() -> None:
    pin = Pin("numpy", "2.4.6", "python_version < '3.12'", ("sha256:" + "a" * 64,), frozenset())
    assert pin.line() == "numpy==2.4.6 --hash=sha256:" + "a" * 64


def test_an_installers_own_wheel_takes_the_place_only_with_its_hash(tmp_path: Path) -> None:
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / "onnxruntime-1.31.1-cp312-cp312-manylinux_2_28_aarch64.whl").write_bytes(b"public")
    (folder / "onnx-1.0-py3-none-any.whl").write_bytes(b"another")
    own = tmp_path / "onnxruntime_gpu-1.23.0-cp312-cp312-linux_aarch64.whl"
    own.write_bytes(b"brought")
    for wrong in (None, "0" * 64):
        with pytest.raises(BuildError, match=r"SHA-256"):
            fetch.replace_wheel(own, wrong, "onnxruntime", folder)
    fetch.replace_wheel(own, fetch.sha256(own), "onnxruntime", folder)
    assert sorted(path.name for path in folder.iterdir()) == ["onnx-1.0-py3-none-any.whl", own.name]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def test_packed_alike_signed_and_found_altered(tmp_path: Path, key: Path) -> None:
    folder = tmp_path / "content"
    (folder / "wheels").mkdir(parents=True)
    (folder / "wheels" / "a.whl").write_bytes(b"a")
    archives.write_manifest(folder, {"version": "1"})
    archives.write_sums(folder)
    archive, again = tmp_path / "edge.tar", tmp_path / "again.tar"
    archives.pack(folder, archive)
    (folder / "wheels" / "a.whl").touch()
    archives.pack(folder, again)
    assert archive.read_bytes() == again.read_bytes()
    checked = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", archives.SUMS], cwd=folder, check=False)
    assert checked.returncode == 0
    archives.sign(archive, key)
    signers = tmp_path / "signers"
    signers.write_text(f"edge-release {key.with_suffix('.pub').read_text('utf-8')}", "utf-8")
    assert archives.verify(archive, signers)
    archive.write_bytes(archive.read_bytes() + b"\0")
    assert not archives.verify(archive, signers)
