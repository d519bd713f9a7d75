"""The acceptance walk, from frames to the signed sheet, on the demo's clip and on recorded people."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from edge.app.commission.findings import DistanceResult, Findings, judge_walk
from edge.app.commission.session import WALKER, open_session, pinhole_of
from edge.app.commission.sheet import check_sheet
from edge.app.commission.terminal import TerminalGuide, guide_walk
from edge.app.selfcheck import demo_clip
from edge.capture.recorder import write_video
from edge.cli.root import main
from edge.config import CameraConfig, Config
from edge.errors import CameraError, ImageError, NotFoundError
from edge.ops.release.signing import device_key, fingerprint, public_hex
from edge.serve.page.wording.language import LANGUAGES
from tests.support.serve.german import english_in

FRAMES = range(26, 274, 4)


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The demo's walk by day and in the dark, every fourth frame."""
    folder = tmp_path_factory.mktemp("walks")
    made = {}
    for light, fault in (("day", "cctv:2"), ("night", "dark:4")):
        made[light] = folder / f"{light}.avi"
        write_video(made[light], demo_clip.frames(fault=fault, only=FRAMES), demo_clip.FPS / 4)
    return made


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data_dir=tmp_path / "data")


@pytest.fixture(scope="module")
def walked(
    tmp_path_factory: pytest.TempPathFactory, walks: dict[str, Path], portrait: Path
) -> tuple[Findings, dict[str, bytes], Config]:
    """The demo's walk, measured once and signed in each language."""
    config = Config(data_dir=tmp_path_factory.mktemp("walked"))
    with open_session(config, None, [portrait]) as made:
        for light, path in walks.items():
            made.measure_clip(path, pinhole_of(2400, None), light)
        findings, _ = made.finish("gate")
        return findings, {language: made.finish("gate", language)[1] for language in LANGUAGES}, config


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`edge ...` in this process: exit code, what it printed, what it said."""

    def run(*args: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["edge", *map(str, args)])
        code = main()
        return code, *capsys.readouterr()

    return run


def test_the_demo_clip_from_walk_to_signed_sheet(walked: tuple[Findings, dict[str, bytes], Config]) -> None:
    findings, sheets, config = walked
    data = sheets["en"]
    by_day = [one for one in findings.rows if one.light == "day"]
    assert [one.metres for one in by_day] == sorted({one.metres for one in by_day})
    assert len(by_day) >= 3
    assert by_day[0].is_recognised
    assert by_day[0].eye_px > by_day[-1].eye_px, "nearer faces are larger"
    nearest = {one.light: one for one in reversed(findings.rows)}
    assert nearest["night"].luma < nearest["day"].luma / 1.5
    assert re.match(r"Recognises at \d", findings.sentence)
    assert {one.label for one in findings.zones} == {"left", "middle", "right"}
    assert "list of 1" in findings.limits.expected_false_alerts
    text = data.decode("utf-8")
    assert findings.sentence in text
    assert "<script" not in text
    assert "http" not in text.replace("<code>", ""), "asks no other host"
    public = check_sheet(data, "sheet")
    assert public == public_hex(device_key(config.data_dir))
    assert fingerprint(public) in text


def test_a_german_sheet_has_no_english_and_is_signed(walked: tuple[Findings, dict[str, bytes], Config]) -> None:
    _, sheets, config = walked
    text = sheets["de"].decode("utf-8")
    assert '<html lang="de">' in text
    assert english_in(text) == []
    assert "Erkennt bei" in text
    assert "0,500 (aus den Einstellungen)" in text
    assert "2400 px wie angegeben" in text
    assert check_sheet(sheets["de"], "sheet") == public_hex(device_key(config.data_dir))
    with pytest.raises(ImageError, match="changed"):
        check_sheet(sheets["de"].replace(b"0,500", b"0,300", 1), "sheet")


def test_a_walker_of_the_list_is_measured_against_the_list(
    tmp_path: Path, walks: dict[str, Path], portrait: Path, command: Command
) -> None:
    """The command line: enrol, walk a clip with marks, verify, and see a change of one figure."""
    toml, other, sheet = tmp_path / "edge.toml", tmp_path / "other.toml", tmp_path / "sheet.html"
    toml.write_text(f'data_dir = "{tmp_path}/data"\n', "utf-8")
    other.write_text(f'data_dir = "{tmp_path}/other"\n', "utf-8")
    nowhere = (
        "commission",
        "--clip",
        tmp_path / "none.mp4",
        "--out",
        tmp_path / "none" / "sheet.html",
        "--config",
        toml,
    )
    code, _, said = command(*nowhere)
    assert (code, "--out" in said) == (74, True), "said before anybody walks"
    code, _, said = command("commission", "--clip", walks["day"], "--config", toml)
    assert code == 65
    assert "--walker" in said
    assert command("enrol", "--id", "ann", "--name", "Ann", "--status", "staff", portrait, "--config", toml)[0] == 0
    walk_it = ("commission", "--clip", walks["day"], "--marks", "0=9,5=3,10=9", "--out", sheet, "--json")
    code, text, said = command(*walk_it, "--config", toml)
    assert code == 0, said
    told = json.loads(text)
    assert told["sentence"].endswith("at night it was not measured.")
    assert {one["metres"] for one in told["rows"]} <= set(range(3, 10))
    assert told["limits"]["min_similarity"] == 0.5
    code, text, _ = command("commission", "--verify", sheet, "--config", toml)
    assert code == 0
    assert "signed by this box" in text
    german = tmp_path / "blatt.html"
    assert command(*walk_it, "--language", "de", "--out", german, "--config", toml)[0] == 0
    assert english_in(german.read_text("utf-8")) == []
    assert command("commission", "--verify", german, "--config", toml)[0] == 0
    assert command(*walk_it, "--language", "xx", "--config", toml)[0] == 2
    public = json.loads(command("commission", "--verify", sheet, "--json", "--config", toml)[1])["key"]
    assert command("commission", "--verify", sheet, "--config", other)[0] == 1, "a key nobody knows proves nothing"
    assert command("commission", "--verify", sheet, "--key", fingerprint(public), "--config", other)[0] == 0
    sheet.write_bytes(sheet.read_bytes().replace(b"0.500", b"0.300", 1))
    code, _, said = command("commission", "--verify", sheet, "--config", toml)
    assert code == 65
    assert "changed after it was signed" in said


def test_a_stranger_walks_and_is_not_recognised(config: Config, walks: dict[str, Path], portrait: Path) -> None:
    """Against another's picture the same clip recognises nobody, and says why."""
    mirror = np.eye(128, dtype=np.float32)[5]
    with open_session(config, None, [portrait]) as made:
        made.walk.active_list.gallery.matrix.setflags(write=True)
        made.walk.active_list.gallery.matrix[:] = mirror
        made.measure_clip(walks["day"], pinhole_of(2400, None), "day")
        findings = made.findings()
    assert findings.rows
    assert not any(one.is_recognised for one in findings.rows)
    assert any("below 0.50" in one.why for one in findings.rows)
    assert findings.sentence.startswith("Does not recognise")


def test_nobody_to_be_seen_is_no_sheet(config: Config, tmp_path: Path, portrait: Path) -> None:
    empty = tmp_path / "empty.avi"
    write_video(empty, demo_clip.frames(only=range(3)), demo_clip.FPS)
    with open_session(config, None, [portrait]) as made:
        made.measure_clip(empty, pinhole_of(None, None), "day")
        with pytest.raises(ImageError, match="nothing for a sheet"):
            made.finish("gate")


def test_who_walks_must_be_known(config: Config) -> None:
    with pytest.raises(NotFoundError, match="0 people"), open_session(config, None):
        pass
    with pytest.raises(NotFoundError, match="enrol the walker"), open_session(config, "ann"):
        pass


def test_a_live_walk_is_guided_station_by_station(config: Config, walks: dict[str, Path], portrait: Path) -> None:
    camera = CameraConfig(name="gate", source=f"file:{walks['day']}", loop=True, realtime=False)
    asked: list[str] = []
    told: list[str] = []
    with open_session(config, None, [portrait]) as made:
        guide_walk(made, camera, TerminalGuide(asked.append, told.append), stations=(2, 4), seconds=3.0)
        assert len(asked) == len(told) == 2
        assert "stand at 2 m" in asked[0]
        assert "between the eyes" in told[0]
        assert {one.metres for one in made.findings().rows} == {2, 4}
        gone = CameraConfig(name="gone", source="file:none.avi")
        from edge.app.commission import terminal

        terminal.FIRST_FRAME_S = 0.5
        with pytest.raises(CameraError, match="gives no frame"):
            guide_walk(made, gone, TerminalGuide(asked.append, told.append), stations=(2,))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sheet_is_one_page(tmp_path: Path, walked: tuple[Findings, dict[str, bytes], Config], language: str) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs a browser (apt: chromium)")
    from playwright.sync_api import sync_playwright

    (tmp_path / "sheet.html").write_bytes(walked[1][language])
    with sync_playwright() as play:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = play.chromium.launch(executable_path=chromium, args=options)
        page = browser.new_page(viewport={"width": 360, "height": 640})
        page.goto((tmp_path / "sheet.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        pdf = page.pdf(prefer_css_page_size=True)
        page.set_viewport_size({"width": 794, "height": 1123})
        page.evaluate("document.querySelector('td.yes').textContent = 'zu kurz: Zeit für 3 von 4 Bildern'")
        assert page.evaluate(
            "[...document.querySelectorAll('.scroll')].every((one) => one.scrollWidth <= one.clientWidth)"
        )
        browser.close()
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


@pytest.mark.parametrize(("name", "is_known"), [("again", True), ("bird", False)])
def test_recorded_people(config: Config, shared_data: Path, name: str, is_known: bool) -> None:
    """One signer is enrolled from one clip and sits before another; a stranger is not taken for them."""
    folder = shared_data / "video" / "asl"
    with open_session(config, None, [folder / "brother.mkv"]) as made:
        made.measure_clip(folder / f"{name}.mkv", pinhole_of(None, 60), "day")
        findings = judge_walk(made.walk.sightings, WALKER, made.walk.active_list, config.recognise)
    assert findings.rows
    judged: Sequence[DistanceResult] = [one for one in findings.rows if one.fused is not None]
    assert judged
    assert all(one.is_recognised == is_known for one in judged)
    assert all(0.4 < (one.metres or 0) < 3 for one in judged), "somebody at a desk"
