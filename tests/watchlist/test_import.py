"""The classic layout and our own archive: read what is right, refuse what is broken or hostile."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from edge.app.people.transfer import export_people
from edge.errors import ImageError, StoreError
from edge.records import Person, Reference
from edge.store import Store
from edge.watchlist import Archive, read_classic, write_archive
from edge.watchlist import archive as archive_module
from tests.support.store import ANN, BOB, reference_of

JPEG = b"\xff\xd8\xff\xe0 not really a picture"
PNG = b"\x89PNG\r\n\x1a\n neither"


def dataset(root: Path, *folders: str) -> Path:
    for folder in folders:
        (root / "Dataset" / folder).mkdir(parents=True)
        for name in ("10.jpg", "2.PNG", "notes.txt"):
            (root / "Dataset" / folder / name).write_bytes(JPEG)
    return root


def listing(root: Path, content: Any, name: str = "people.json") -> Path:
    path = root / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def told(people: Iterable[Any]) -> list[tuple[str, str, str]]:
    return [(p.person.person_id, p.person.name, p.person.status) for p in people]


def test_folder_alone_is_id_and_name(tmp_path: Path) -> None:
    people = read_classic(dataset(tmp_path, "Zoe", "Adam") / "Dataset").people
    assert told(people) == [("Adam", "Adam", "listed"), ("Zoe", "Zoe", "listed")]
    assert [p.name for p in people[0].pictures] == ["2.PNG", "10.jpg"]


def test_a_name_that_cannot_be_an_id_is_made_fit(tmp_path: Path) -> None:
    dataset(tmp_path, "John Smith", "Łucja Müller", "李雷", "x" * 70)
    people = read_classic(tmp_path / "Dataset").people
    assert told(people) == [
        ("John-Smith", "John Smith", "listed"),
        ("x" * 64, "x" * 70, "listed"),
        ("ucja-Muller", "Łucja Müller", "listed"),
        (f"person-{hashlib.sha256('李雷'.encode()).hexdigest()[:8]}", "李雷", "listed"),
    ]
    assert [p.is_id_made for p in people] == [True, True, True, True]
    known = read_classic(tmp_path / "Dataset", known_ids={"John Smith"}).people
    assert told(known)[0] == ("John Smith", "John Smith", "listed"), "somebody listed under it keeps the id"


def test_two_names_that_give_one_id_are_refused_by_both(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="the folders 'John Smith' and 'John-Smith'"):
        read_classic(dataset(tmp_path, "John Smith", "John-Smith") / "Dataset")


def test_json_by_number_in_natural_order_of_folders(tmp_path: Path) -> None:
    """1, 2, 10: as people count."""
    dataset(tmp_path, "p1", "p2", "p10")
    listing(tmp_path, {str(i): {"Name": n, "ID": 100 + i, "Status": "wanted"} for i, n in enumerate("ABC")})
    people = {p.pictures[0].parent.name: p.person.name for p in read_classic(tmp_path).people}
    assert people == {"p1": "A", "p2": "B", "p10": "C"}


def test_json_by_name_wins_over_number(tmp_path: Path) -> None:
    dataset(tmp_path, "Jane_Doe", "john smith")
    path = listing(
        tmp_path,
        {
            "0": {"Name": "John Smith", "ID": "7", "Status": "missing"},
            "1": {"Name": "Jane Doe", "ID": "8", "Status": "x"},
        },
    )
    for given in (tmp_path, tmp_path / "Dataset", path):
        people = {p.pictures[0].parent.name: p.person.person_id for p in read_classic(given).people}
        assert people == {"Jane_Doe": "8", "john smith": "7"}


def test_ambiguous_mapping_is_refused_not_guessed(tmp_path: Path) -> None:
    dataset(tmp_path, "Adam", "Zoe")
    listing(tmp_path, {"0": {"Name": "Nobody", "ID": 1, "Status": "x"}, "1": {"Name": "Adam", "ID": 2, "Status": "x"}})
    with pytest.raises(ImageError, match="Nobody"):
        read_classic(tmp_path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "can't be read as JSON"),
        ({"zero": {"Name": "A", "ID": 1}}, "no folder of its own"),
        ({"0": "A", "1": {"Name": "B"}}, "entry '0'"),
        ({"0": {"ID": 1}}, "Name is None"),
        ({"0": {"Name": "A", "ID": ["x"]}}, "ID is"),
        ({"0": {"Name": "A\u0000B", "ID": 1}}, "control characters"),
        ({"0": {"Name": " ", "ID": 1}}, "Name is empty"),
        ('{"0": {"Name": "A", "ID": 1}, "0": {"Name": "B", "ID": 2}}', "twice"),
        ({"0": {"Name": "A", "ID": 1, "id": 2}}, "entry '0': the key 'id' appears twice"),
        ({"9": {"Name": "A", "ID": 1}}, "no folder of its own"),
        ({"0": {"Name": "A", "ID": 1}, "1": {"Name": "B", "ID": 1}}, "the folders 'p0' and 'p1'"),
        ("[" * 100_000, "can't be read as JSON"),
    ],
)
def test_broken_lists_name_the_file_and_the_place(tmp_path: Path, content: Any, expected: str) -> None:
    dataset(tmp_path, "p0", "p1")
    listing(tmp_path, content)
    with pytest.raises(ImageError, match=r"people\.json") as caught:
        read_classic(tmp_path)
    assert expected in str(caught.value)


def test_missing_and_ambiguous_places(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such folder"):
        read_classic(tmp_path / "none")
    with pytest.raises(ImageError, match="no folder of a person"):
        read_classic(tmp_path)
    dataset(tmp_path, "p0")
    listing(tmp_path, {"0": {"Name": "A", "ID": 1}}, "a.json")
    listing(tmp_path, {"0": {"Name": "B", "ID": 2}}, "b.json")
    with pytest.raises(ImageError, match=r"a\.json, b\.json"):
        read_classic(tmp_path)
    assert told(read_classic(tmp_path, tmp_path / "a.json").people) == [("1", "A", "listed")]
    with pytest.raises(ImageError, match=r"c\.json: is no list of people"):
        read_classic(tmp_path, listing(tmp_path, [1], "c.json"))


EXPIRES = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
PEOPLE = [
    (Person("1", "Ä. Person", "wanted", EXPIRES, "theft", "shift lead"), [JPEG, PNG]),
    (Person("2", "No Picture", "", None), []),
]


def test_archive_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "list.zip"
    assert write_archive(path, PEOPLE) == 2
    with Archive(path) as archive:
        assert archive.people == tuple(person for person, _ in PEOPLE)
        assert [archive.read(name) for name in archive.pictures("1")] == [JPEG, PNG]
        assert archive.pictures("2") == ()
    first = path.read_bytes()
    write_archive(path, PEOPLE)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["list.zip"]


def test_unpacked_archive_reads_the_same(tmp_path: Path) -> None:
    write_archive(tmp_path / "list.zip", PEOPLE)
    with zipfile.ZipFile(tmp_path / "list.zip") as packed:
        packed.extractall(tmp_path / "folder")
    with Archive(tmp_path / "folder") as archive:
        assert [archive.read(name) for name in archive.pictures("1")] == [JPEG, PNG]


def crafted(path: Path, pictures: list[str], members: dict[str, bytes], **changes: Any) -> Path:
    entry = {"id": "1", "name": "A", "status": "x", "expires_at": None, "pictures": pictures}
    content = {"format": "edge-watchlist", "version": 1, "people": [entry], **changes}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("people.json", json.dumps(content))
        for name, data in members.items():
            out.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "pictures/../people.json",
        "pictures\\x.jpg",
        "C:x.jpg",
        f"pictures/{'0' * 64}.jpg/..",
    ],
)
def test_paths_out_of_the_archive_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImageError, match="pictures"):
        Archive(crafted(tmp_path / "bad.zip", [name], {name: JPEG}))
    good = crafted(tmp_path / "good.zip", [], {})
    with Archive(good) as archive, pytest.raises(ImageError, match="no picture"):
        archive.read(name)


def test_altered_and_missing_pictures(tmp_path: Path) -> None:
    name = f"pictures/{hashlib.sha256(JPEG).hexdigest()}.jpg"
    with (
        Archive(crafted(tmp_path / "altered.zip", [name], {name: JPEG + b"!"})) as archive,
        pytest.raises(ImageError, match="altered"),
    ):
        archive.read(name)
    with (
        Archive(crafted(tmp_path / "missing.zip", [name], {})) as archive,
        pytest.raises(ImageError, match="is missing"),
    ):
        archive.read(name)


def test_a_bomb_is_stopped_by_what_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte of zeros packs to a kilobyte; the limit holds for what is unpacked, and nothing beyond it is read."""
    monkeypatch.setattr(archive_module, "MAX_PICTURE_BYTES", 1_000_000)
    bomb = bytes(1_000_001)
    name = f"pictures/{hashlib.sha256(bomb).hexdigest()}.jpg"
    path = crafted(tmp_path / "bomb.zip", [name], {name: bomb})
    assert path.stat().st_size < 10_000
    with Archive(path) as archive, pytest.raises(ImageError, match="larger than 1000000"):
        archive.read(name)


def test_many_pictures_are_stopped_in_sum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MAX_TOTAL_BYTES", len(JPEG) + 1)
    write_archive(tmp_path / "list.zip", PEOPLE)
    with Archive(tmp_path / "list.zip") as archive:
        first, second = archive.pictures("1")
        archive.read(first)
        with pytest.raises(ImageError, match="split the list"):
            archive.read(second)


def test_a_link_in_an_unpacked_archive_is_not_followed(tmp_path: Path) -> None:
    name = f"pictures/{hashlib.sha256(JPEG).hexdigest()}.jpg"
    with zipfile.ZipFile(crafted(tmp_path / "list.zip", [name], {})) as packed:
        packed.extractall(tmp_path / "folder")
    (tmp_path / "secret").write_bytes(JPEG)
    (tmp_path / "folder" / "pictures").mkdir()
    (tmp_path / "folder" / name).symlink_to(tmp_path / "secret")
    with Archive(tmp_path / "folder") as archive, pytest.raises(ImageError, match="a link"):
        archive.read(name)


@pytest.mark.parametrize("changes", [{"format": "other"}, {"version": 2}, {"people": [{"id": "1"}]}, {"more": 1}])
def test_other_lists_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ImageError, match=r"people\.json"):
        Archive(crafted(tmp_path / "bad.zip", [], {}, **changes))


def test_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("hello")
    with pytest.raises(ImageError, match="not a readable zip"):
        Archive(tmp_path / "text.zip")
    with pytest.raises(ImageError, match="no such archive"):
        Archive(tmp_path / "none.zip")
    with pytest.raises(ImageError, match="is missing"):
        Archive(tmp_path)
    whole = tmp_path / "cut.zip"
    write_archive(whole, PEOPLE)
    whole.write_bytes(whole.read_bytes()[:-60])
    with pytest.raises(ImageError):
        Archive(whole)


@pytest.mark.parametrize(("at", "value"), [(2, 1), (4, 99)], ids=["encrypted", "unknown compression"])
def test_members_that_python_cannot_unpack_are_refused(tmp_path: Path, at: int, value: int) -> None:
    """The flag or method of each member, altered in both of its headers."""
    path = crafted(tmp_path / "list.zip", [], {})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 4), (b"PK\x01\x02", 6)):
        place = data.index(mark) + offset + at
        data[place : place + 2] = value.to_bytes(2, "little")
    path.write_bytes(data)
    with pytest.raises(ImageError, match=r"can't be read .*export the list again"):
        Archive(path)


def test_writing_refuses_what_could_not_be_read_again(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no JPEG"):
        write_archive(tmp_path / "a.zip", [(Person("1", "A", "x"), [b"text"])])
    with pytest.raises(ImageError, match="name"):
        write_archive(tmp_path / "a.zip", [(Person("1", "A\nB", "x"), [])])
    with pytest.raises(StoreError):
        write_archive(tmp_path / "none" / "a.zip", PEOPLE)
    assert list(tmp_path.iterdir()) == []


def test_an_export_counts_people_not_their_pictures(tmp_path: Path) -> None:
    with Store.open(tmp_path / "data") as store:
        for person, numbers in ((ANN, (1, 2, 3)), (BOB, (4,))):
            given: dict[str, bytes] = {}
            references: list[Reference] = []
            for number in numbers:
                data = PNG + bytes([number])
                sha256 = hashlib.sha256(data).hexdigest()
                references.append(dataclasses.replace(reference_of(person, number)[0], image_sha256=sha256))
                given[sha256] = data
            store.put_person(person, references, given).result(10)
        assert export_people(store, tmp_path / "people.zip").num_people == 2
    with zipfile.ZipFile(tmp_path / "people.zip") as archive:
        assert len(archive.namelist()) == 5
