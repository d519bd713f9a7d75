"""What `edge setup` writes, whom it makes, and how it looks at a camera."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.app.setup import camera, plan
from edge.app.setup.plan import Plan
from edge.config import load
from edge.errors import CameraError, ConfigError, StoreError
from edge.store import Store

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(TEXT, TEXT)
def test_whatever_is_typed_is_what_is_read(source: str, folder: str) -> None:
    made = tomllib.loads(Plan(source, Path(folder)).text())
    assert made["camera"][0]["source"] == source
    assert made["data_dir"] == str(Path(folder))


def test_a_former_configuration_is_kept_beside(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    assert plan.write(Plan("v4l2:/dev/video0", tmp_path / "data"), path) is None
    assert path.stat().st_mode & 0o777 == 0o600, "it may hold a camera's password"
    first = path.read_bytes()
    former = plan.write(Plan("v4l2:/dev/video1", tmp_path / "data", port=9000), path)
    assert former is not None
    assert former.read_bytes() == first
    assert load(path, {}).serve.port == 9000


def test_what_cant_be_used_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    with pytest.raises(ConfigError, match=r"serve\.port"):
        plan.write(Plan("v4l2:/dev/video0", tmp_path, port=70_000), path)
    assert not path.exists()


def test_a_folder_of_somebody_else_is_refused_with_the_line_that_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan.os, "access", lambda *_: False)
    with pytest.raises(ConfigError, match=r"sudo install -d -m 0700 -o .* --data-dir"):
        plan.require_writable(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="can't be written"):
        plan.require_writable(tmp_path / "file" / "folder")


def test_the_first_supervisor_comes_in_by_link_or_password_and_is_made_once(tmp_path: Path) -> None:
    config = Plan("v4l2:/dev/video0", tmp_path / "one").config()
    made = plan.make_supervisor(config, "ann", None)
    assert made.link.startswith("http://127.0.0.1:8080/login/link?token=")
    with Store.open(config.data_dir) as store:
        assert store.use_login_link(made.link.partition("=")[2]).result() == "ann"
        assert [(user.name, user.role) for user in store.users()] == [("ann", "supervisor")]
    assert plan.make_supervisor(config, "ben", None).known == ("ann",)
    other = Plan("v4l2:/dev/video0", tmp_path / "two").config()
    assert plan.make_supervisor(other, "ann", "correct horse battery").link == ""
    with Store.open(other.data_dir) as store:
        assert store.check_password("ann", "correct horse battery") is not None


def test_a_guard_of_that_name_does_not_become_a_supervisor(tmp_path: Path) -> None:
    config = Plan("v4l2:/dev/video0", tmp_path).config()
    with Store.open(tmp_path) as store:
        store.add_user("gus", "guard", "correct horse battery").result()
    with pytest.raises(StoreError, match="not as supervisor"):
        plan.make_supervisor(config, "gus", None)


def test_paths_get_their_scheme_and_their_whole_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = tmp_path / "clip.mp4"
    clip.touch()
    assert camera.completed(str(clip)) == f"file:{clip}"
    assert camera.completed(str(tmp_path)) == f"folder:{tmp_path}"
    assert camera.completed("/dev/video3") == "v4l2:/dev/video3"
    assert camera.completed("RTSP://host/a") == "RTSP://host/a"
    monkeypatch.chdir(tmp_path)  # the service starts elsewhere
    assert camera.completed("clip.mp4") == camera.completed("file:clip.mp4") == f"file:{clip}"
    assert camera.completed("folder:.") == f"folder:{tmp_path}"
    for name in ("video10", "video2"):
        (tmp_path / name).touch()
    assert camera.proposed(tmp_path) == f"v4l2:{tmp_path}/video2"
    assert camera.proposed(tmp_path / "none") == ""


def test_a_camera_is_looked_at(demo_clip: Path) -> None:
    seen = camera.look("door", f"file:{demo_clip}", within_s=120)
    assert (seen.width, seen.height) == (640, 480)


def test_a_camera_that_gives_nothing_is_said_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "LOST_S", 0.0)
    with pytest.raises(CameraError, match="can't be reached") as caught:
        camera.look("door", "rtsp://ann:secret@127.0.0.1:9/a", within_s=60)
    assert "secret" not in str(caught.value)
    with pytest.raises(ConfigError, match="no known scheme"):
        camera.look("door", "nonsense")
