"""True accept rates over all pairs."""

from __future__ import annotations

import numpy as np

from tools.accuracy.all_pairs import rates


def test_a_person_who_is_nearer_to_a_stranger_than_to_herself_is_missed() -> None:
    turns = np.radians([0.0, 10.0, 90.0, 100.0, 180.0, 275.0])
    vectors = np.stack([np.cos(turns), np.sin(turns)], 1).astype(np.float32)
    owners = np.array([0, 0, 1, 1, 2, 2])
    # The nearest strangers are 80 degrees apart; the pictures of the third person 95.
    assert rates(vectors, owners) == [2 / 3] * 3
