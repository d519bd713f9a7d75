"""Each check of the doctor: break exactly that thing, and see the line that says how to fix it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.app.selfcheck import demo_clip
from edge.capture.address import parse_source
from edge.capture.recorder import write_video
from edge.config import PACKAGED_MODELS, CameraConfig
from edge.ops import doctor
from edge.ops.doctor import Check, MachinePaths, cameras, machine, models, network
from edge.ops.doctor.settings import check_settings
from edge.ops.effective import effective
from edge.ops.system.camera_status import describe_outcome, read_status, write_status
from edge.pixels import kernel_cache
from edge.records import Reason
from edge.store import Store
from tests.support.doctor.cases import NOW, config_of, flash_card, one, put
from tests.support.doctor.cases_device import BOX
from tests.support.doctor.cases_losses import LOSSES
from tests.support.doctor.cases_people import LOOK, PEOPLE


@pytest.mark.parametrize(
    ("breaks", "name", "status", "fix"), [*BOX, *LOSSES, *PEOPLE], ids=lambda value: getattr(value, "__name__", None)
)
def test_what_is_broken_is_said_with_its_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaks: Callable[[Path], Check], name: str, status: str, fix: str
) -> None:
    monkeypatch.setattr(cameras, "FIRST_FRAME_S", 1.0)
    check = breaks(tmp_path)
    assert check.name == name
    assert check.status == status, check
    assert check.fix is not None
    assert fix in check.fix
    assert check.found


def test_every_check_of_a_whole_box_has_a_case_that_breaks_it(tmp_path: Path) -> None:
    """The names a healthy box's report holds are those of the cases above, and little but what is not there warns."""
    path = tmp_path / "clip.avi"
    write_video(path, demo_clip.frames(only=range(130, 160)), demo_clip.FPS)
    toml = tmp_path / "edge.toml"
    camera = f'[[camera]]\nname = "door"\nsource = "file:{path}"\nloop = true\n'
    put(toml, f'data_dir = "{tmp_path}/data"\n[serve]\nport = 0\n{camera}')
    flash_card(tmp_path)
    with Store.open(tmp_path / "data") as store:
        store.add_user("ann", "supervisor", "correct horse battery").result()
        store.add_token("central", ["alerts:read"]).result()
    report = doctor.examine(toml, MachinePaths(sys=tmp_path / "sys", proc=tmp_path / "proc"))
    assert report.ok, [check for check in report.checks if check.status == "fail"]
    assert report.settings["camera[door].source"] == f"file:{path}"
    broken = {name for _, name, _, _ in [*BOX, *LOSSES, *PEOPLE]}
    unbroken = {check.name for check in report.checks} - broken - {"kernel cache"}
    assert {name.partition(" ")[0] for name in unbroken} <= {"model"}, unbroken
    camera_check = one(report.checks, "camera door")
    assert camera_check.status == "pass"
    assert "640 x 480" in camera_check.found
    assert "usable" in one(report.checks, "faces at door").found


def test_cold_kernels_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_cache, "_is_kept", lambda _: False)
    check = machine.check_kernels()
    assert check.status == "warn"
    assert "start the service once" in str(check.fix)
    nowhere = kernel_cache.KernelCache(Path("/kernels"), is_writable=False, cold=("relight",), num_kernels=1)
    monkeypatch.setattr(kernel_cache, "kernel_cache", lambda: nowhere)
    check = machine.check_kernels()
    assert (check.status, check.found) == ("warn", "/kernels can't be written")
    assert "NUMBA_CACHE_DIR" in str(check.fix)


def test_a_running_service_that_is_silent_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "edge.toml", f'data_dir = "{tmp_path}/data"\n[[camera]]\nname = "door"\nsource = "v4l2:/dev/none"\n')
    monkeypatch.setattr(network, "is_service_answering", lambda _: True)
    monkeypatch.setattr(models, "check_models", lambda _: [])
    silent = one(doctor.examine(tmp_path / "edge.toml").checks, "cameras")
    assert silent.status == "fail"
    assert "restart it" in str(silent.fix)
    (tmp_path / "data").mkdir()
    write_status(tmp_path / "data", [LOOK], dt.datetime.now(dt.UTC))
    told = one(doctor.examine(tmp_path / "edge.toml").checks, "camera door")
    assert told.status == "pass"
    assert "25 frames/s" in told.found
    compared = dataclasses.replace(LOOK, comparison="faces are compared with those in the first week")
    write_status(tmp_path / "data", [compared], dt.datetime.now(dt.UTC))
    told = one(doctor.examine(tmp_path / "edge.toml").checks, "drift at door")
    assert (told.status, told.found) == ("pass", compared.comparison)
    begun = MachinePaths(now=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=20), begun_s=time.monotonic() - 20)
    told = one(doctor.examine(tmp_path / "edge.toml", begun).checks, "camera door")
    assert told.status == "pass", "the service has told of its camera while the checks before took 20 s"


def test_the_status_file_ages(tmp_path: Path) -> None:
    assert read_status(tmp_path, NOW) is None
    write_status(tmp_path, [LOOK], NOW)
    assert read_status(tmp_path, NOW) == [LOOK]
    assert read_status(tmp_path, NOW + dt.timedelta(minutes=3)) is None
    assert read_status(tmp_path, NOW - dt.timedelta(hours=1)) is None, "a clock that was set back proves nothing"
    put(tmp_path / "status.json", "{")
    assert read_status(tmp_path, NOW) is None


def test_every_outcome_of_a_face_has_words() -> None:
    for reason in Reason:
        assert describe_outcome(reason.value)[0] != reason.value or "_" not in reason.value
    assert describe_outcome("part_luma")[1] is not None


@pytest.mark.parametrize("password", ["secret", "se@cret", "{credential:yard}"])
def test_passwords_of_addresses_are_left_out(tmp_path: Path, password: str) -> None:
    camera = CameraConfig(name="yard", source=f"rtsp://user:{password}@192.0.2.1/stream")
    told = effective(config_of(tmp_path, camera=(camera,)))
    assert told["camera[yard].source"] == parse_source(camera).shown == "rtsp://192.0.2.1/stream"
    assert "cret" not in check_settings(config_of(tmp_path, camera=(camera,)))[0].found


def test_a_passing_check_needs_no_fix_and_another_needs_one() -> None:
    with pytest.raises(ValueError, match="fix"):
        Check("x", "fail", "broken")
    with pytest.raises(ValueError, match="fix"):
        Check("x", "pass", "well", "do it")


def test_the_packaged_models_pass(tmp_path: Path) -> None:
    checks = list(models.check_models(config_of(tmp_path)))
    assert {check.status for check in checks} == {"pass"}, checks
    embedder = next(
        e for e in json.loads((PACKAGED_MODELS / "manifest.json").read_text("utf-8"))["models"] if e["task"] == "embed"
    )
    assert models.embedder_in_use(config_of(tmp_path)).embedder == embedder["sha256"]
