"""The rule for ids of new people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import PersonIdError
from edge.watchlist.entry import fit_id, is_new_id, require_new_id


@pytest.mark.parametrize("good", ["a", "A.b_c-9", "...", "x" * 64, "-", "0"])
def test_good_ids_stay_as_they_are(good: str) -> None:
    require_new_id(good)
    assert fit_id(good) == good


@pytest.mark.parametrize("bad", ["", ".", "..", "x" * 65, "a b", "a/b", "ä", "a\n", "\u0661", "a\0"])
def test_bad_ids_are_refused_by_name(bad: str) -> None:
    with pytest.raises(PersonIdError, match="letters, digits, dots"):
        require_new_id(bad)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_a_fit_id_is_always_allowed(name: str) -> None:
    assert is_new_id(fit_id(name))
