"""Folders and lists as people have them: each name goes to its own face, or nothing is imported."""

from __future__ import annotations

import json
import os
import tarfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edge.errors import ImageError
from edge.watchlist.classic import read_classic
from tests.support.paths import find_case


def make(root: Path, folders: Sequence[str], content: Any, name: str = "people.json") -> Path:
    for folder in folders:
        (root / "Dataset" / folder).mkdir(parents=True)
        (root / "Dataset" / folder / "a.jpg").write_bytes(b"")
    (root / name).write_text(json.dumps(content), "utf-8")
    return root


def named(*names: str, first: int = 0) -> dict[str, Any]:
    return {str(n): {"Name": name, "ID": str(100 + n), "Status": "s"} for n, name in enumerate(names, first)}


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def paired(path: Path) -> dict[str, str]:
    """Names by the name of the folder, composed."""
    found = read_classic(path).people
    return {unicodedata.normalize("NFC", p.pictures[0].parent.name): p.person.name for p in found}


TWELVE = [str(number) for number in range(12)]
RIGHT: dict[str, tuple[list[str], dict[str, Any], dict[str, str]]] = {
    "eleven": (TWELVE, named(*(f"P{n}" for n in TWELVE)), {n: f"P{n}" for n in TWELVE}),
    "zeros before": (
        ["00", "01", "10"],
        {k: {"Name": f"P{k}"} for k in ("0", "1", "10")},
        {"00": "P0", "01": "P1", "10": "P10"},
    ),
    "recycle": (["#recycle", "0", "1"], named("A", "B"), {"0": "A", "1": "B"}),
    "windows": (["$RECYCLE.BIN", "System Volume Information", "p", "q"], named("A", "B"), {"p": "A", "q": "B"}),
    "nas": (["@eaDir", "p", "q"], named("A", "B"), {"p": "A", "q": "B"}),
    "macosx": (
        ["__MACOSX", "alice", "bob"],
        named("Alice Smith", "Bob Jones"),
        {"alice": "Alice Smith", "bob": "Bob Jones"},
    ),
    "hidden": (["0", "1", ".git"], named("A", "B"), {"0": "A", "1": "B"}),
    "decomposed": (
        [decomposed("Åse"), decomposed("Zoë")],
        named("Zoë", "Åse"),
        {"Åse": "Åse", "Zoë": "Zoë"},
    ),
    "decomposed list": (
        ["Åse", "Zoë"],
        named(decomposed("ZOË"), decomposed("åse")),
        {"Åse": decomposed("åse"), "Zoë": decomposed("ZOË")},
    ),
    "one-based": (["1", "2", "3"], named("A", "B", "C", first=1), {"1": "A", "2": "B", "3": "C"}),
    "one-based and more": (
        ["0_unsorted", "1", "2"],
        named("A", "B", first=1),
        {"0_unsorted": "0_unsorted", "1": "A", "2": "B"},
    ),
    "gap in both": (["0", "2", "3"], {k: {"Name": f"P{k}"} for k in "023"}, {"0": "P0", "2": "P2", "3": "P3"}),
    "ids": (["101", "100"], named("X", "Y"), {"100": "X", "101": "Y"}),
    "ids that are nearly keys": (
        ["1", "2"],
        {"0": {"Name": "A", "ID": 1}, "1": {"Name": "B", "ID": 2}},
        {"1": "A", "2": "B"},
    ),
    "keys that are names": (
        ["ann", "bob"],
        {"Bob": {"Name": "Robert"}, "Ann": {"Name": "Anna"}},
        {"ann": "Anna", "bob": "Robert"},
    ),
    "one more person": (["Ann", "Bob", "Cy"], named("Cy", "Ann"), {"Ann": "Ann", "Bob": "Bob", "Cy": "Cy"}),
    "position": (["p1", "p2", "p10"], named("A", "B", "C", first=1), {"p1": "A", "p2": "B", "p10": "C"}),
}


@pytest.mark.parametrize(("folders", "content", "expected"), RIGHT.values(), ids=RIGHT.keys())
def test_each_name_goes_to_its_own_face(
    tmp_path: Path, folders: list[str], content: dict[str, Any], expected: dict[str, str]
) -> None:
    assert paired(make(tmp_path, folders, content)) == expected


REFUSED: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "a new folder": (["Aaron", "Alice", "Bob"], named("Alice Smith", "Bob Jones"), "no folder of its own"),
    "an entry deleted": (["0", "2", "3"], {k: {"Name": f"P{k}"} for k in "02"}, "'3' has no entry"),
    "a folder deleted": (["0", "2"], named("A", "B", "C"), "entry '1' (B) has no folder"),
    "counted from one and from nought": (["1", "2", "3"], named("A", "B", "C"), "no folder of its own"),
    "keys and ids that disagree": (
        ["0", "1"],
        {"0": {"Name": "A", "ID": 1}, "1": {"Name": "B", "ID": 0}},
        "in two ways",
    ),
    "two folders of one": (["ann", "7", "bob"], {"0": {"Name": "Ann", "ID": 7}, "1": {"Name": "Bob"}}, "in two ways"),
    "a gap in the keys": (["p", "q"], {k: {"Name": f"P{k}"} for k in "02"}, "no folder of its own"),
    "the other way round": (["alice", "bob"], named("Bob Jones", "Alice Smith"), "not by its name"),
    "key and name of one": (["ann", "0", "x"], named("Ann", "Bob"), "has two folders"),
    "half by name": (["Ann", "q"], named("Ann", "Bob"), "entry '1' (Bob) has no folder"),
}


@pytest.mark.parametrize(("folders", "content", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_where_it_is_not_certain_both_lists_are_shown(
    tmp_path: Path, folders: list[str], content: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ImageError) as caught:
        read_classic(make(tmp_path, folders, content))
    told = str(caught.value)
    assert expected in told
    assert "nothing was imported" in told
    table = told.splitlines()[1:]
    assert all(any(folder in line for line in table) for folder in folders)
    assert all(any(entry["Name"] in line for line in table) for entry in content.values())


def test_paired_folders_stand_beside_their_entries(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        read_classic(make(tmp_path, ["ann", "q"], named("Ann", "Bob")))
    assert str(caught.value).splitlines()[1:] == [
        "  folder       entry",
        "  ann     <->  '0': Ann (ID 100)",
        "  q       ?    '1': Bob (ID 101)",
    ]


def test_position_is_told(tmp_path: Path) -> None:
    found = read_classic(make(tmp_path, ["p", "q"], named("Ann", "Bob")))
    assert [one.paired_by for one in found.people] == ["position", "position"]
    assert "p: is taken for Ann by its position alone" in found.notes


def test_other_json_is_passed_over_by_name(tmp_path: Path) -> None:
    make(tmp_path, ["0", "1"], named("A", "B"))
    (tmp_path / "feed.json").write_text('{"items": [], "next": "x"}')
    (tmp_path / "labels.json").write_text('{"0": "cat"}')
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "package.json").write_text('{"name": "x", "version": "1", "author": {"name": "y"}}')
    (tmp_path / "old.json").write_text(json.dumps(named("A", "B", "C")))
    (tmp_path / "Dataset" / "inside.json").write_text("[1]")
    (tmp_path / "Dataset" / "loose.jpg").write_bytes(b"")
    (tmp_path / "._people.json").write_bytes(b"\x00Mac OS X")
    found = read_classic(tmp_path)
    assert [one.person.name for one in found.people] == ["A", "B"]
    told = "\n".join(found.notes)
    assert found.listing == tmp_path / "people.json"
    for name in ("feed", "labels", "broken", "package", "old", "inside"):
        assert f"/{name}.json: passed over" in told
    assert "loose.jpg: not read" in told
    assert [one.person.name for one in read_classic(tmp_path / "Dataset").people] == ["A", "B"], "from within, too"
    assert "._" not in told


def test_of_several_lists_the_one_that_fits_best_is_taken(tmp_path: Path) -> None:
    make(tmp_path, ["Ann", "Bob"], named("Ann"), "a_old.json")
    (tmp_path / "b_other.json").write_text(json.dumps(named("Xu", "Yu")))
    (tmp_path / "c_people.json").write_text(json.dumps(named("Bob", "Ann")))
    found = read_classic(tmp_path)
    assert found.listing == tmp_path / "c_people.json"
    assert [(one.person.person_id, one.person.name) for one in found.people] == [("101", "Ann"), ("100", "Bob")]
    assert sum("passed over; c_people.json is the list" in note for note in found.notes) == 2
    (tmp_path / "d_copy.json").write_text(json.dumps(named("Bob", "Ann")))
    assert read_classic(tmp_path).people == found.people
    (tmp_path / "d_copy.json").write_text(json.dumps(named("Ann", "Bob")))
    with pytest.raises(ImageError, match=r"several lists beside it \(c_people.json, d_copy.json\)"):
        read_classic(tmp_path)
    assert [one.person.person_id for one in read_classic(tmp_path / "d_copy.json").people] == ["100", "101"]


def test_keys_that_are_no_people_are_passed_over(tmp_path: Path) -> None:
    found = read_classic(make(tmp_path, ["0", "1"], {**named("A", "B"), "items": 2}))
    assert [one.person.name for one in found.people] == ["A", "B"]
    assert any("the key 'items' was passed over" in note for note in found.notes)


def test_json_without_a_list_leaves_the_names_of_folders(tmp_path: Path) -> None:
    found = read_classic(make(tmp_path, ["Ann"], {"items": []}, "feed.json"))
    assert [one.person.name for one in found.people] == ["Ann"]
    assert any("feed.json: passed over" in note for note in found.notes)


def test_a_list_is_read_as_utf_16_and_as_an_array(tmp_path: Path) -> None:
    make(tmp_path, ["a", "b"], [{"Name": "B"}, {"Name": "A"}])
    assert paired(tmp_path) == {"a": "A", "b": "B"}
    (tmp_path / "people.json").write_text(json.dumps(named("B", "A")), "utf-16")
    assert paired(tmp_path) == {"a": "A", "b": "B"}


def test_the_folder_above_is_taken_too(tmp_path: Path) -> None:
    make(tmp_path / "box" / "people", ["0", "1"], named("A", "B"))
    (tmp_path / "box" / "__MACOSX").mkdir()
    for path in (tmp_path, tmp_path / "box", tmp_path / "box" / "people", tmp_path / "box" / "people" / "Dataset"):
        assert paired(path) == {"0": "A", "1": "B"}
    (tmp_path / "box" / "people" / "Dataset").rename(tmp_path / "box" / "people" / "faces")
    assert paired(tmp_path / "box" / "people") == {"0": "A", "1": "B"}


def test_a_person_with_folders_by_year_keeps_the_name(tmp_path: Path) -> None:
    for year in ("2023", "2024"):
        (tmp_path / "faces" / "Ann" / year).mkdir(parents=True)
    found = read_classic(tmp_path / "faces")
    assert [(one.person.name, one.pictures) for one in found.people] == [("Ann", ())]
    assert len(found.notes) == 2
    make(tmp_path, ["Ann"], {"items": []})
    (tmp_path / "Dataset" / "Ann" / "a.jpg").unlink()
    (tmp_path / "Dataset" / "Ann" / "2023").mkdir()
    assert [one.person.name for one in read_classic(tmp_path / "Dataset").people] == ["Ann"]


def test_what_systems_leave_is_skipped_and_other_files_are_named(tmp_path: Path) -> None:
    folder = make(tmp_path, ["ann"], named("Ann")) / "Dataset" / "ann"
    for name in ("._a.jpg", ".DS_Store", "Thumbs.db", "desktop.ini", "B.JFIF", "c.HEIC", "d.avif", "e.cr2"):
        (folder / name).write_bytes(b"")
    (folder / "@eaDir").mkdir()
    (folder / "more").mkdir()
    found = read_classic(tmp_path)
    assert [one.name for one in found.people[0].pictures] == ["a.jpg", "B.JFIF", "c.HEIC", "d.avif"]
    assert [Path(note.split(":")[0]).name for note in found.notes] == ["e.cr2", "more"]


def test_names_that_are_no_utf_8(tmp_path: Path) -> None:
    make(tmp_path, ["x"], named("José"))
    (tmp_path / "Dataset" / "x").rename(os.fsdecode(os.fsencode(tmp_path / "Dataset") + b"/Jos\xe9"))
    (listed,) = read_classic(tmp_path).people
    assert (listed.person.name, listed.person.person_id, listed.paired_by) == ("José", "100", "name")
    (tmp_path / "people.json").unlink()
    (listed,) = read_classic(tmp_path).people
    assert (listed.person.name, listed.person.person_id) == ("Jos\ufffd", "Jos")


@pytest.fixture
def case(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = find_case(request.param)
    if path is None:
        pytest.skip(f"needs the kept case {request.param} beside the public test data")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="tar")
    return tmp_path


@pytest.mark.parametrize("case", ["listings.tgz"], indirect=True)
def test_the_kept_listings(case: Path) -> None:
    outcomes: dict[str, dict[str, str] | str] = {}
    for path in sorted((case / "ds2").iterdir()):
        try:
            outcomes[path.name] = paired(path)
        except ImageError:
            outcomes[path.name] = "refused"
    assert outcomes == {
        "deleted_one": "refused",
        "eleven": {n: f"P{n}" for n in TWELVE},
        "hash": {"0": "A", "1": "B"},
        "macosx": {"alice": "Alice Smith", "bob": "Bob Jones"},
        "newfolder": "refused",
        "nfd2": {"Åse": "Åse", "Zoë": "Zoë"},
        "nfd2b": {"Åse": "Åse", "Zoë": "Zoë"},
        "numeric_ids_swapped": {"100": "X", "101": "Y"},
        "onebased": {"1": "A", "2": "B", "3": "C"},
        "onebased+extra": {"0_unsorted": "0_unsorted", "1": "A", "2": "B", "3": "C"},
        "removed1_both": {"0": "A", "2": "C", "3": "D"},
        "removed1_json": "refused",
        "unsorted": {"0": "A", "1": "B", "2": "C"},
    }


@pytest.mark.parametrize("case", ["mac_folder.tgz"], indirect=True)
def test_the_kept_folder_of_a_mac(case: Path) -> None:
    for path in (case / "ds", case / "ds" / "mac", case / "ds" / "mac" / "Dataset"):
        found = read_classic(path)
        assert [(one.person.name, len(one.pictures)) for one in found.people] == [
            ("Person A", 2),
            ("Person B", 2),
            ("Person C", 1),
        ]
        assert found.notes == ()
