"""Which steps help recognition: a cure is found, a poison or chance is not."""

from __future__ import annotations

import numpy as np

from edge.evaluate.benefit import choose, disagreement, gain, run_trial
from edge.evaluate.pairs import Picture
from edge.evaluate.restore import AUTO, OFF, Condition, Face, Variant, accepted_pairs, owners, row_of


def people_with_pictures(count: int, each: int = 2, seed: int = 0) -> tuple[Face, ...]:
    rng = np.random.default_rng(seed)
    faces = []
    for person in range(count):
        middle = rng.standard_normal(32)
        for number in range(each):
            vector = middle + 0.3 * rng.standard_normal(32)
            vector = (vector / np.linalg.norm(vector)).astype(np.float32)
            faces.append(Face(Picture(f"p{person:03d}", number), np.zeros((1, 1, 3), np.uint8), vector))
    return tuple(faces)


def spoilt(faces: tuple[Face, ...], noise: float, seed: int) -> np.ndarray:
    clean = np.stack([face.embedding for face in faces])
    vectors = clean + noise * np.random.default_rng(seed).standard_normal(clean.shape) / np.sqrt(clean.shape[1])
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def condition(name: str, faces: tuple[Face, ...], on: float, off: float = 2.0, level: int = 3) -> Condition:
    variants = {OFF: Variant(vectors=spoilt(faces, off, 1))}
    # The same accident, smaller or larger: what a cure or a poison does.
    clean = np.stack([face.embedding for face in faces])
    vectors = clean + (variants[OFF].vectors - clean) * on
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    variants["denoise"] = variants[AUTO] = Variant(vectors=vectors)
    return Condition(
        name, variants, [dict.fromkeys(("noise", "dark", "motion", "blur", "blocks", "small"), level)] * len(faces)
    )


def test_a_cure_is_found_and_a_poison_is_not() -> None:
    faces = people_with_pictures(60, 3)
    found, trials = choose([condition("noise:3", faces, 0.3), condition("noise:5", faces, 0.4)], faces)
    assert {(one.step, one.fault) for one in found} == {
        ("denoise", "noise"),
        ("denoise", "dark"),
        ("denoise", "blocks"),
    }
    assert all(one["shown"] for one in trials)
    assert choose([condition("noise:3", faces, 1.5)], faces)[0] == ()


def test_one_faults_cure_may_not_be_anothers_poison() -> None:
    faces = people_with_pictures(60, 3)
    trial = run_trial([condition("noise:3", faces, 0.2), condition("cctv:3", faces, 1.4)], faces, "denoise", "noise", 1)
    assert trial is not None
    assert trial.worst < -0.002
    assert not trial.passes
    assert run_trial([condition("noise:3", faces, 0.2, level=0)], faces, "denoise", "noise", 1) is None


def test_chance_is_not_taken_for_help() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(100), 3)
    lower = [gain(rng.choice([-1.0, 0.0, 0.0, 0.0, 1.0], 300), people)[1] for _ in range(40)]
    assert sum(bound > 0 for bound in lower) <= 1
    assert gain(np.ones(300), people) == (1.0, 1.0)


def test_accepted_pairs_and_rows() -> None:
    faces = people_with_pictures(20, 2)
    clean = np.stack([face.embedding for face in faces])
    assert accepted_pairs(clean, owners(faces)).mean() > 0.9
    row = row_of(condition("noise:3", faces, 0.5), "denoise", faces)
    assert row["on"]["cosine"] > row["off"]["cosine"] > row["off"]["cosine_worst"]  # type: ignore[index]


def test_disagreement_is_what_few_faces_exceed() -> None:
    faces = people_with_pictures(100, 2)
    limit = disagreement([condition("noise:3", faces, 0.5)], faces)
    assert 0.01 < limit < 1.0
    assert disagreement([], faces) == 0.1
