"""Zones and masks on the page: who may draw, what is kept, what is refused, what the file's own areas look like."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from edge.app.service.areas import AreaKeeper
from edge.config import CameraConfig, Config, MaskConfig
from edge.config import drawn as files
from edge.store import Store
from tests.support.web import WebSide, run, running

HTML = {"Accept": "text/html"}
MASK = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.9]]
OWN = ((0.0, 0.0), (0.2, 0.0), (0.2, 0.2))


class Box:
    """The configuration in force of a box with one camera."""

    def __init__(self, folder: Path) -> None:
        camera = CameraConfig(
            name="door",
            source="file:none.mp4",
            masks=(MaskConfig(x=0.5, y=0.5, width=0.25, height=0.5),),
            mask_polygons=(OWN,),
        )
        self.config = Config(data_dir=folder / "data", camera=(camera,))
        self.taken: list[Config] = []

    def keeper(self, store: Store) -> AreaKeeper:
        return AreaKeeper(lambda: self.config, store, self._take)

    def _take(self, config: Config) -> None:
        self.config = config
        self.taken.append(config)


def form_of(page: str) -> dict[str, Any]:
    """The hidden version and the text of the form."""
    version = re.search(r'name="version" value="([^"]*)"', page)
    text = re.search(r"<textarea[^>]*>([^<]*)</textarea>", page)
    assert version is not None
    assert text is not None
    return {"version": version[1], "areas": html.unescape(text[1])}


async def opened(box: WebSide, role: str = "installer") -> tuple[dict[str, str], str]:
    caller = box.session(role) | HTML
    answer, body = await box.get("/box/zones/door", caller)
    assert answer.status == 200
    return caller, body.decode()


def test_what_is_drawn_is_kept_audited_and_in_force(tmp_path: Path) -> None:
    scene = Box(tmp_path)

    async def check() -> None:
        async with running(tmp_path, areas=scene.keeper) as box:
            caller, page = await opened(box)
            form = form_of(page)
            assert json.loads(form["areas"]) == {kind: [] for kind in files.KINDS}
            form["areas"] = json.dumps({"mask_polygons": [MASK], "include_zones": [[[0, 0], [1, 0], [1, 1]]]})
            answer, _ = await box.post("/box/zones/door", form, caller)
            assert (answer.status, answer.headers["Location"]) == (303, "/box/zones/door?saved=1")
            kept = files.read(scene.config.data_dir)["door"]
            assert files.rounded(kept.mask_polygons) == [MASK]
            assert scene.config.camera[0].mask_polygons == (OWN, *kept.mask_polygons), "the file's own mask stays"
            assert scene.config.camera[0].include_zones == kept.include_zones
            entry = next(one for one in box.store.audit_log.newest(limit=9) if one.action == "areas.change")
            assert (entry.actor, entry.object) == ("a-installer", "camera door")
            assert str(MASK[2][1]) in str(entry)
            _, page = await opened(box)
            assert json.loads(form_of(page)["areas"])["mask_polygons"] == [MASK]

    run(check())


def test_removing_what_was_drawn_leaves_what_the_file_says(tmp_path: Path) -> None:
    scene = Box(tmp_path)

    async def check() -> None:
        async with running(tmp_path, areas=scene.keeper) as box:
            caller, page = await opened(box)
            for polygons in ([MASK], [MASK, MASK], []):
                form = form_of(page) | {"areas": json.dumps({"mask_polygons": polygons})}
                assert (await box.post("/box/zones/door", form, caller))[0].status == 303
                assert len(scene.config.camera[0].mask_polygons) == 1 + len(polygons)
                page = (await box.get("/box/zones/door", caller))[1].decode()
            assert scene.config.camera[0].mask_polygons == (OWN,)
            fixed = re.search(r"data-fixed='([^']*)'", page)
            assert fixed is not None
            shown = json.loads(html.unescape(fixed[1]))
            assert shown["mask_polygons"] == [
                [[0.5, 0.5], [0.75, 0.5], [0.75, 1.0], [0.5, 1.0]],
                [list(corner) for corner in OWN],
            ]

    run(check())


@pytest.mark.parametrize(
    ("areas", "said"),
    [
        ("no json", "the text does not hold areas"),
        (json.dumps({"mask_polygons": [MASK, [[0, 0], [1, 1]]]}), "Mask 2: an area needs three corners or more"),
        (json.dumps({"mask_polygons": [[[0, 0], [0.5, 0.5], [1, 1]]]}), "Mask 1: the corners lie on one line"),
        (json.dumps({"mask_polygons": [[[0, 0], [2, 0], [1, 1]]]}), "Mask 1: a corner lies outside the picture"),
        (json.dumps({"mask_polygons": [[[0, 0], [-1, 0], [1, 1]]]}), "Mask 1: a corner lies outside the picture"),
        (json.dumps({"mask_polygons": [MASK] * (files.MAX_POLYGONS + 1)}), "Mask: there can be at most 16 areas"),
        (json.dumps({"exclude_zones": [MASK * 22]}), "Don't recognise here 1: an area has at most 64 corners"),
        (json.dumps({"mask_polygons": [[["a", 0], [1, 0], [1, 1]]]}), "Mask 1: the text does not hold areas"),
        (json.dumps({"masks": []}), "the text does not hold areas"),
        (json.dumps([]), "the text does not hold areas"),
    ],
)
def test_what_can_t_be_used_is_refused_and_not_lost(tmp_path: Path, areas: str, said: str) -> None:
    scene = Box(tmp_path)

    async def check() -> None:
        async with running(tmp_path, areas=scene.keeper) as box:
            caller, page = await opened(box, "supervisor")
            answer, body = await box.post("/box/zones/door", form_of(page) | {"areas": areas}, caller)
            assert answer.status == 422
            assert said in html.unescape(body.decode())
            assert form_of(body.decode())["areas"] == areas, "what was typed is still there"
            assert scene.taken == []
            assert not (scene.config.data_dir / files.FILE).exists()

    run(check())


def test_a_second_person_does_not_overwrite_the_first(tmp_path: Path) -> None:
    scene = Box(tmp_path)

    async def check() -> None:
        async with running(tmp_path, areas=scene.keeper) as box:
            caller, page = await opened(box)
            other = form_of(page)
            form = form_of(page) | {"areas": json.dumps({"mask_polygons": [MASK]})}
            assert (await box.post("/box/zones/door", form, caller))[0].status == 303
            answer, body = await box.post("/box/zones/door", other, caller)
            assert answer.status == 412
            assert "Somebody else has changed" in body.decode()
            again = form_of(body.decode())
            assert again["areas"] == other["areas"], "what was drawn is still there"
            answer, _ = await box.post("/box/zones/door", again, caller)
            assert answer.status == 412, "pressing Save once more must not take the other's mask away"
            wrong = again | {"areas": "no json"}
            answer, body = await box.post("/box/zones/door", wrong, caller)
            answer, _ = await box.post("/box/zones/door", form_of(body.decode()) | {"areas": other["areas"]}, caller)
            assert answer.status == 412
            assert len(scene.taken) == 1

    run(check())


def test_a_full_disk_changes_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Box(tmp_path)

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    async def check() -> None:
        async with running(tmp_path, areas=scene.keeper) as box:
            caller, page = await opened(box)
            monkeypatch.setattr(files.durable, "replace", full)
            form = form_of(page) | {"areas": json.dumps({"mask_polygons": [MASK]})}
            answer, body = await box.post("/box/zones/door", form, caller)
            assert answer.status == 503
            assert "No space left on device" in body.decode()
            assert scene.taken == []

    run(check())


def test_the_page_has_no_script_of_its_own_speaks_german_and_knows_its_cameras(tmp_path: Path) -> None:
    scene = Box(tmp_path)

    async def check() -> None:
        async with running(tmp_path, areas=scene.keeper) as box:
            caller = box.session("installer") | HTML | {"Accept-Language": "de"}
            answer, body = await box.get("/box/zones/door", caller)
            page = body.decode()
            assert "Maske hinzufügen" in page
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
            assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))
            assert not re.search(r"\sstyle=|\son\w+=", page)
            assert '<a href="/box/zones/door">' in (await box.get("/box", caller))[1].decode()
            assert (await box.get("/box/zones/yard", caller))[0].status == 404
            assert (await box.get("/box/zones/door", box.session("guard")))[0].status == 403
            assert "/box/zones/" not in (await box.get("/box", box.session("guard") | HTML))[1].decode()

    run(check())
