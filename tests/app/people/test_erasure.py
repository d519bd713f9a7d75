"""One erasure: the same on page, API and command line, also of people whose ids today's rule would refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from markupsafe import escape
from yarl import URL

from edge import cli
from edge.app.commission.sheet import check_sheet
from edge.app.people.people import People
from edge.errors import PersonIdError
from edge.ops.release.signed_page import sign_page
from edge.ops.release.signing import device_key, public_hex
from edge.records import Person
from edge.store import Store
from edge.watchlist.entry import ListEntry
from tests.support.web import WebSide, run, running

OLD_IDS = ["John Smith", "a/b", "ä" * 90, "x" * 150, " blank ", "{id}", "50%", "a?b#c", "p%2Fq", "tab\there"]
LIST = "/api/v1/watchlist"


def examination(data_dir: Path, number: int, named: str, *, is_done: bool = True) -> Path:
    """A job on disk with one hit."""
    job = data_dir / "examine" / f"{number:016x}"
    (job / "out").mkdir(parents=True)
    (job / "out" / "hits.jsonl").write_text(json.dumps({"person": {"id": named}, "runner_up_id": None}), "utf-8")
    if is_done:
        (job / "job.json").write_text("{}", "utf-8")
    return job


def list_under(store: Store, person_id: str) -> None:
    """As an earlier version did, whatever the id."""
    store.put_person(Person(person_id, "Somebody", "listed"), (), {}).result()


async def erase_on_page(box: WebSide, person_id: str) -> int:
    headers = box.session("supervisor") | {"Origin": box.url, "Accept": "text/html"}
    url = URL(f"{box.url}/people/{quote(person_id, safe='')}/erase", encoded=True)
    typed = person_id.replace("\t", "").strip()  # what a form can send
    async with box.http.post(url, data={"confirm": typed}, headers=headers) as answer:
        text = await answer.text()
        assert "Results of examinations removed</dt><dd>1<" in text or answer.status != 200, text
        return answer.status


async def erase_by_api(box: WebSide, person_id: str) -> int:
    headers = box.token("watchlist:write", name=f"t{len(box.store.tokens())}") | {"If-Match": "*"}
    url = URL(f"{box.url}{LIST}/{quote(person_id, safe='')}", encoded=True)
    async with box.http.delete(url, headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize("erase", [erase_on_page, erase_by_api])
def test_page_and_api_erase_any_id_and_what_names_it(tmp_path: Path, erase: Any) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            for number, person_id in enumerate(OLD_IDS):
                list_under(box.store, person_id)
                gone = examination(tmp_path / "data", 3 * number, person_id)
                kept = examination(tmp_path / "data", 3 * number + 1, "p1")
                unfinished = examination(tmp_path / "data", 3 * number + 2, "p1", is_done=False)
                assert await erase(box, person_id) == 200, person_id
                assert box.store.person(person_id) is None
                assert (gone.exists(), kept.exists(), unfinished.exists()) == (False, True, True)

    run(check())


@pytest.mark.parametrize("person_id", OLD_IDS)
def test_the_command_erases_any_id_and_what_names_it(
    tmp_path: Path, person_id: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(f'data_dir = "{tmp_path / "data"}"\n', "utf-8")
    with Store.open(tmp_path / "data") as store:
        list_under(store, person_id)
    gone, kept = examination(tmp_path / "data", 1, person_id), examination(tmp_path / "data", 2, "p1")
    unfinished = examination(tmp_path / "data", 3, "p1", is_done=False)
    monkeypatch.setattr("sys.argv", ["edge", "forget", person_id, "--json", "--config", str(config)])
    assert cli.root.main() == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["person_id"], told["examinations"]) == (person_id, 1)
    assert (gone.exists(), kept.exists(), unfinished.exists()) == (False, True, True)


def test_those_left_out_of_a_new_list_are_erased_the_same_way(tmp_path: Path) -> None:
    forgotten: list[str] = []

    def forget(person_id: str) -> int:
        forgotten.append(person_id)
        return 0

    with Store.open(tmp_path) as store:
        people = People(store, None, forget)
        for person_id in ("a", "b", "c"):
            list_under(store, person_id)
        people.replace_list([ListEntry(Person("b", "B", "x"))], by="central")
    assert forgotten == ["a", "c"]


def test_an_old_id_keeps_working_and_no_new_one_is_let_in(tmp_path: Path) -> None:
    old, new = Person("John Smith", "J", "x"), Person("Jane Smith", "J", "x")
    with Store.open(tmp_path) as store:
        list_under(store, old.person_id)
        people = People(store)
        people.enrol(ListEntry(old), by="central")
        with pytest.raises(PersonIdError, match="'Jane Smith'"):
            people.enrol(ListEntry(new), by="central")
        with pytest.raises(PersonIdError, match="'Jane Smith'"):
            people.replace_list([ListEntry(old), ListEntry(new)], by="central")
        assert [person.name for person in store.people()] == ["J"]


def test_the_api_lets_in_no_new_id_that_breaks_the_rule(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.token("watchlist:write") | {"If-Match": "*"}
            body = {"name": "N", "status": "x"}

            async def put(person_id: str) -> tuple[int, str]:
                url = URL(f"{box.url}{LIST}/{quote(person_id, safe='')}", encoded=True)
                async with box.http.put(url, headers=headers, json=body) as answer:
                    return answer.status, await answer.text()

            for person_id in (*OLD_IDS, "..%"):
                status, text = await put(person_id)
                assert (status, "letters, digits, dots" in text) == (422, True), person_id
            list_under(box.store, "a/b")
            assert (await put("a/b"))[0] == 200
            assert box.store.person("a/b").name == "N"
            async with box.http.put(
                box.url + LIST, headers=headers, json={"people": [{"id": "a b", **body}]}
            ) as answer:
                assert answer.status == 422
            assert box.store.person("p1") is not None

    run(check())


def test_the_web_side_changes_the_list_through_the_use_case_alone() -> None:
    writers = re.compile(r"\b(put_person|put_listing|replace_people|forget_person|set_aside)\b")
    files = sorted(Path(cli.__file__).parents[1].glob("serve/**/*.py"))
    assert len(files) > 30
    assert [file.name for file in files if writers.search(file.read_text("utf-8"))] == []


@pytest.mark.parametrize("raw", ["%ED%A0%80", "%00", "%FF", "%0A", "%25", "%2F", "%"])
def test_odd_paths_are_refused_and_break_nothing(tmp_path: Path, raw: str) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.token("watchlist:write") | {"If-Match": "*"}
            url = URL(f"{box.url}{LIST}/{raw}", encoded=True)
            async with box.http.delete(url, headers=headers) as answer:
                assert answer.status == 404
            async with box.http.put(url, headers=headers, json={"name": "N", "status": "x"}) as answer:
                assert answer.status == 422

    run(check())


WALKED = '<p>Es ging: Eintrag <span id="walker">{}</span> der Liste. Recognises at 3 m.</p>\n'
WALKED_ONCE = "<p>Walker: entry {} of the list. Recognises at 3 m.</p>\n"


def sheet_of(data_dir: Path, person_id: str, name: str = "a.html", walked: str = WALKED) -> Path:
    """A kept sheet, signed by the box, with that walker; as releases before wrote it, too."""
    body = walked.format(escape(person_id)).encode()
    path = data_dir / "commission" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(sign_page(body, device_key(data_dir)))
    return path


@pytest.mark.parametrize("person_id", ["Jörg Müller", "O'Neil & <Söhne>", "ann-1"])
def test_signed_sheets_lose_the_walker_and_stay_signed(tmp_path: Path, person_id: str) -> None:
    with Store.open(tmp_path) as store:
        list_under(store, person_id)
        own, other = sheet_of(tmp_path, person_id), sheet_of(tmp_path, "bob-2", "b.html")
        former = sheet_of(tmp_path, person_id, "former.html", WALKED_ONCE)
        foreign = tmp_path / "commission" / "c.html"
        foreign.write_text(f"<p>{person_id} was here</p>", "utf-8")
        before = other.read_bytes()
        assert People(store).traces(person_id)["sheets"] == 3
        erased = People(store).forget(person_id, by="sam")
        assert (erased.sheets, erased.receipt.is_scrubbed, dict(erased.remains)) == (3, True, {})
        for kept in (own, former):
            assert check_sheet(kept.read_bytes(), "a") == public_hex(device_key(tmp_path))
            assert b"Recognises at 3 m." in kept.read_bytes()
        assert other.read_bytes() == before
        assert not foreign.exists(), "what the box has not signed is no evidence"


def test_a_receipt_is_not_scrubbed_while_a_file_names_the_person(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        list_under(store, "Jörg Müller")
        (tmp_path / "notes.txt").write_text('{"path": "/people/J%C3%B6rg%20M%C3%BCller/edit"}', "utf-8")
        erased = People(store).forget("Jörg Müller", by="sam")
        assert not erased.receipt.is_scrubbed
        assert erased.remains == {"other files": 1}
        assert "audit" in erased.looked_through


def test_the_command_checks_and_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, data = tmp_path / "edge.toml", tmp_path / "data"
    config.write_text(f'data_dir = "{data}"\n', "utf-8")

    def call(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["edge", "forget", *words, "--config", str(config)])
        return cli.root.main(), capsys.readouterr().out

    with Store.open(data) as store:
        list_under(store, "ann-1")
        store.audit("sam", "watchlist.view", "/people/ann%2D1/edit").result(10)
    examination(data, 1, "ann-1")
    sheet_of(data, "ann-1")
    (data / "blobs" / "ab").mkdir()
    (data / "blobs" / "ab" / ".new-x").write_bytes(b"half a picture")
    code, text = call("ann-1", "--check", "--json")
    found = json.loads(text)
    assert (code, found["is_named"]) == (1, True)
    wanted = {"rows of people", "rows of audit", "sheets", "examinations", "pictures that no row names"}
    assert wanted <= set(found["found"])
    assert set(found["found"]) & {"database", "log"}
    assert (data / "blobs" / "ab" / ".new-x").exists(), "a check changes nothing"
    code, text = call("ann-1", "--json")
    told = json.loads(text)
    assert (code, told["is_scrubbed"], told["sheets"], told["examinations"], told["remains"]) == (0, True, 1, 1, {})
    code, text = call("ann-1", "--check", "--name", "Somebody")
    assert (code, "nothing names the person" in text) == (0, True)
