"""What guards wrote on other people's hits names nobody who was erased, in no table and no byte."""

from __future__ import annotations

from pathlib import Path

from edge.records import Person
from edge.store import Store
from edge.store.people.notes import BLANKED
from tests.support.store import ANN, add_hits, enrol, review

JO = Person("jo", "Jo", "wanted")
BERTA = Person("berta-3", "Berta Löwenthal", "wanted")


def test_notes_that_name_the_erased_are_blanked_where_they_stand(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for person in (ANN, JO, BERTA):
            enrol(store, person)
        add_hits(store, ANN, range(1, 6))
        ids = [hit.hit_id for hit in store.hits()]
        give = store.reviews.give_verdict
        for hit_id, note in zip(
            ids, ["it was BERTA LÖWENTHAL", "jo, surely", "joined later", "a clear match"], strict=False
        ):
            give(hit_id, "ann", "rejected", reason=None, note=note, needs_second=False).result(10)
        review(store, ids[4], "rejected", "ann", "looks like Berta Löwenthal").result(10)
        for by, note in (("bob", "Berta Löwenthal again"), ("cyd", "no")):
            give(ids[4], by, "confirmed", reason=None, note=note, needs_second=True).result(10)
        for person in (BERTA, JO):
            receipt = store.forget_person(person.person_id).result(60)
            assert receipt.is_scrubbed
        kept = [store.reviews.verdicts(hit_id)[0].note for hit_id in ids[:4]]
        assert kept == [BLANKED, BLANKED, "joined later", "a clear match"]
        last = store.reviews.verdicts(ids[4])
        assert [(one.by, one.reason, one.note) for one in last] == [
            ("ann", BLANKED, None),
            ("bob", None, BLANKED),
            ("cyd", None, "no"),
        ]
        assert store.traces([BERTA.person_id, BERTA.name]) == {}
        hit = store.hit(ids[4])
        assert hit is not None
        assert hit.review is not None
        assert BLANKED in str(hit.review)
        disk = b"".join(path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file())
        for trace in (b"wenthal again", "LÖWENTHAL".encode(), b"jo, surely"):
            assert trace not in disk, trace
        assert b"joined later" in disk
