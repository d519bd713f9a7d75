"""Thresholds kept; references set aside and taken back; new embeddings staged and swapped all at once."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from edge.errors import NotFoundError
from edge.store import Store
from edge.thresholds import Thresholds
from tests.support.store import ANN, BOB, enrol

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
KEPT = Thresholds({"color": 0.51, "gray": 0.55}, 0.07, 10_000.0, "m", "digest", AT)


def test_thresholds_outlive_the_process_and_move_the_version(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        assert store.calibration.thresholds() is None
        before, changed = store.watchlist_version(), store.watchlist_changed_at()
        store.calibration.put_thresholds(KEPT).result()
        after = store.watchlist_version()
        assert after[0] == before[0] + 1, "a running service looks at the version"
        assert changed is None or store.watchlist_changed_at() == changed
    with Store.open(tmp_path) as store:
        assert store.calibration.thresholds() == KEPT
        store.calibration.put_thresholds(None).result()
        assert store.calibration.thresholds() is None


def test_set_aside_is_not_searched_but_kept_and_taken_back(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        (reference,) = store.references()
        model, digest = reference.model_sha256, store.watchlist_version()[1]
        store.calibration.set_aside(reference.reference_id).result()
        assert store.references(model) == []
        assert [one.reference_id for one in store.references()] == [reference.reference_id]
        assert store.calibration.set_aside_ids() == {reference.reference_id}
        assert store.watchlist_version()[1] != digest
        store.calibration.set_aside(reference.reference_id, is_aside=False).result()
        assert [one.reference_id for one in store.references(model)] == [reference.reference_id]
        assert store.watchlist_version()[1] == digest
        with pytest.raises(NotFoundError, match="nobody's"):
            store.calibration.set_aside("nobody's").result()


def test_new_embeddings_are_swapped_all_at_once(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        enrol(store, BOB)
        old = store.references()
        made = [dataclasses.replace(r, embedding=np.roll(r.embedding, 1), model_sha256="f" * 64) for r in old]
        store.calibration.stage_embeddings(made[:1]).result()
        assert store.calibration.staged_ids("f" * 64) == {old[0].reference_id}
        assert store.references("f" * 64) == []
        store.calibration.stage_embeddings(made[1:]).result()
        assert store.calibration.swap_embeddings("f" * 64).result() == 2
        now = store.references("f" * 64)
        assert [r.reference_id for r in now] == [r.reference_id for r in old]
        for new, former in zip(now, old, strict=True):
            np.testing.assert_array_equal(new.embedding, np.roll(former.embedding, 1))
        assert store.calibration.staged_ids("f" * 64) == frozenset()


def test_erasing_a_person_erases_what_was_staged(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        store.calibration.stage_embeddings([dataclasses.replace(store.references()[0], model_sha256="f" * 64)]).result()
        store.forget_person(ANN.person_id).result()
        assert store.calibration.staged_ids("f" * 64) == frozenset()
        assert store.calibration.swap_embeddings("f" * 64).result() == 0
