"""The report of `edge process` in each language: no sentence of another, numbers as they are written there."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edge.app.build import load_active_list, load_models
from edge.app.offline.clips import ClipResult, process
from edge.app.offline.contents import find_clips
from edge.app.offline.degrader import Degradation
from edge.app.offline.process import process_files
from edge.app.offline.report import write_reports
from edge.app.people.people import enrol
from edge.config import Config, SiteConfig, load
from edge.pipeline.limits import limits_of, still_limits_of
from edge.records import Person, Reason
from edge.serve.page.wording.language import LANGUAGES
from edge.store import Store
from tests.support.serve.german import english_in

LEFT_OUT = "yard: 4 of 9 images left out:"
CUT_OFF = "is damaged or cut off (12 bytes); copy the file again"
REPORTS = {f"{language}.html": language for language in LANGUAGES}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, portrait: Path) -> tuple[ClipResult, dict[str, Any]]:
    """The portrait, made worse and recognised, with what the report says beside it."""
    models = load_models(load())
    with Store.open(tmp_path_factory.mktemp("data")) as store:
        enrol(store, models, Person("p1", "Ada <b>", "Hausverbot"), [portrait])
        active = load_active_list(store, models)
    (result,) = process(Config(), models, active, find_clips(portrait), degradation=Degradation.parse("blur:1"))
    limits = [
        {"is_stills": is_stills, "limit": limit}
        for is_stills, of in ((False, limits_of), (True, still_limits_of))
        for limit in of(Config().recognise, active).values()
    ]
    facts = {
        "source": "tor.avi",
        "people": 2,
        "degraded": "blur:1",
        "version": "1",
        "list_version": 3,
        "list_digest": "abc",
        "mode": "auto",
        "models": {},
        "limits": limits,
    }
    return result, facts


def varied(result: ClipResult, two_faces: Mapping[str, Any], **changes: Any) -> ClipResult:
    """The same clip with another story: a recording that is cut off, both faces shown."""
    told = dataclasses.replace(result, problem=f"{LEFT_OUT}\na.png: {CUT_OFF}\nand 3 more")
    for hit_id, draft in result.drafts.items():
        assert draft.shown is not None
        hit = dataclasses.replace(
            draft.hit, enhancement=two_faces, similarity_enhanced=0.5, runner_up_id="p2", **changes
        )
        shown = dataclasses.replace(draft.shown, enhanced=draft.shown.found)
        told.drafts = {hit_id: dataclasses.replace(draft, hit=hit, shown=shown)}
    told.ended = [dataclasses.replace(end, reason=reason) for reason in (None, *Reason) for end in result.ended[:1]]
    return told


@pytest.mark.parametrize("found_on", ["original", "both", "enhanced"])
def test_a_german_report_has_no_english(tmp_path: Path, made: tuple[ClipResult, dict[str, Any]], found_on: str) -> None:
    result, facts = made
    assert result.drafts
    two_faces = {"found_on": found_on, "disagrees": True, "difference": -0.25, "limit": 0.125}
    steps = [{"name": "sr4", "version": 2, "params": {"scale": 4}, "input_sha256": "a", "output_sha256": "b"}]
    (draft,) = result.drafts.values()
    other = varied(result, two_faces, decision={}, recipe={**draft.hit.recipe, "steps": steps})
    nobody = dataclasses.replace(result, drafts={}, ended=[])
    write_reports(tmp_path, REPORTS, [result, other, nobody], {}, facts)
    german, english = (tmp_path / "de.html").read_text("utf-8"), (tmp_path / "en.html").read_text("utf-8")
    assert english_in(german) == []
    assert "Ada &lt;b&gt;" in german
    assert "um -0,250" in german
    assert "by -0.250" in english
    assert "eines einzelnen Bildes" in german
    assert "sr4" in german
    for text, language in ((german, "de"), (english, "en")):
        assert f'<html lang="{language}">' in text
        assert "http://" not in text
        assert "https://" not in text


def test_a_report_fits_a_telephone(tmp_path: Path, made: tuple[ClipResult, dict[str, Any]]) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs a browser (apt: chromium)")
    from playwright.sync_api import sync_playwright

    result, facts = made
    write_reports(tmp_path, REPORTS, [result, varied(result, {"found_on": "enhanced"})], {}, facts)
    with sync_playwright() as play:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = play.chromium.launch(executable_path=chromium, args=options)
        page = browser.new_page(viewport={"width": 360, "height": 740})
        for name in REPORTS:
            page.goto((tmp_path / name).as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
        browser.close()


def test_the_report_is_in_the_sites_language_if_in_no_other(tmp_path: Path, portrait: Path) -> None:
    config = Config(data_dir=tmp_path / "data", site=SiteConfig(language="de"))
    process_files(config, portrait, tmp_path / "out", watchlist=None, degradation=None)
    german = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert '<html lang="de">' in german
    assert english_in(german) == []
    assert "Gesucht wurden 0 Personen." in german
