"""All reference embeddings, searchable. Immutable: a change makes a new object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.arrays import Embedding
from edge.errors import ImageError, ModelError
from edge.records import Person, Reference


class Ranked(NamedTuple):
    """The best reference of one person against one probe."""

    person_id: str
    similarity: float
    reference_id: str


class Gallery:
    """References of one model, one matrix product per search.

    People without a reference are kept as people and never found. Answers don't depend on the order of what is given.
    `matrix` is (R, D) float32, read-only, person by person in the order of `owners` (who has a reference).
    """

    def __init__(self, references: Iterable[Reference], people: Iterable[Person]) -> None:
        self.people = {person.person_id: person for person in sorted(people, key=lambda person: person.person_id)}
        kept = sorted(references, key=lambda reference: (reference.person_id, reference.reference_id))
        self.model_sha256 = _same_model(kept)
        self.num_references = len(kept)
        self._reference_ids = [reference.reference_id for reference in kept]
        self.matrix = _matrix(kept)
        self.matrix.setflags(write=False)
        owners = [reference.person_id for reference in kept]
        strangers = sorted(set(owners) - set(self.people))
        if strangers:
            raise ImageError(f"a reference names {strangers[0]!r}, who is not on the watchlist; add the person first")
        # References lie person by person, so each person's best is the maximum of one slice.
        starts = [i for i, owner in enumerate(owners) if i == 0 or owners[i - 1] != owner]
        self._starts = np.array(starts, np.intp)
        self._ends = np.array([*starts[1:], len(owners)], np.intp)
        self.owners = [owners[start] for start in starts]

    def __len__(self) -> int:
        """People on the list."""
        return len(self.people)

    def search(self, embedding: Embedding, *, limit: int | None = None) -> tuple[Ranked, ...]:
        """Every person with a reference, best first; equal similarities by person_id, then by reference_id.

        `embedding` is (D,) float32 of length 1, made by the model `model_sha256`. Raises ImageError for another shape.
        """
        if not self.owners:
            return ()
        if embedding.shape != (self.matrix.shape[1],):
            raise ImageError(
                f"an embedding of shape {embedding.shape} against references of {self.matrix.shape[1]} numbers: "
                "made by another model; enrol the pictures again"
            )
        similarities = self.matrix @ embedding.astype(np.float32)
        best = np.minimum(np.maximum.reduceat(similarities, self._starts), np.float32(1.0))
        found = []
        for index in _indexes_of_best(best, limit):
            start = int(self._starts[index])
            at = start + int(np.argmax(similarities[start : self._ends[index]]))
            similarity = min(max(float(similarities[at]), -1.0), 1.0)
            found.append(Ranked(self.owners[index], similarity, self._reference_ids[at]))
        found.sort(key=lambda ranked: (-ranked.similarity, ranked.person_id))
        return tuple(found[:limit])

    def similarity_to(self, embedding: Embedding, person_id: str) -> float:
        """The similarity to one person, whoever else scores higher; -1 for somebody without a reference."""
        return next((one.similarity for one in self.search(embedding) if one.person_id == person_id), -1.0)

    def best_two(self, probes: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Similarity of the best and of the second-best person to each of (N, D) probes, (N,) each.

        With one person on the list the second is 0, as in `decide`; nobody on the list is an ImageError.
        """
        if not self.owners:
            raise ImageError("nobody is on the list: enrol somebody first")
        per_person = np.maximum.reduceat(np.clip(probes @ self.matrix.T, -1.0, 1.0), self._starts, axis=1)
        if per_person.shape[1] == 1:
            return per_person[:, 0], np.zeros(len(probes), np.float32)
        top = np.partition(per_person, per_person.shape[1] - 2, axis=1)[:, -2:]
        return top[:, 1], top[:, 0]

    def best_person(self, probes: NDArray[np.float32]) -> NDArray[np.intp]:
        """Index in `owners` of the best person for each of (N, D) probes, (N,)."""
        return np.asarray(np.maximum.reduceat(probes @ self.matrix.T, self._starts, axis=1).argmax(axis=1), np.intp)

    def best_other(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Similarity of each of these rows of `matrix` to the best of everybody but its own person, (N,)."""
        per_person = np.maximum.reduceat(self.matrix[rows] @ self.matrix.T, self._starts, axis=1)
        per_person[np.arange(len(rows)), self.owner_of(rows)] = -1.0
        return np.asarray(per_person.max(axis=1), np.float32)

    def owner_of(self, rows: NDArray[np.integer]) -> NDArray[np.intp]:
        """Index in `owners` of the person that each row of `matrix` belongs to."""
        return np.asarray(np.searchsorted(self._starts, rows, side="right") - 1, np.intp)


def _indexes_of_best(best: NDArray[np.float32], limit: int | None) -> NDArray[np.intp]:
    """Indexes of the `limit` highest, and of all that equal the last of them; NaN never leads."""
    if limit is None or limit >= len(best):
        return np.arange(len(best))
    return np.flatnonzero(best >= np.partition(best, len(best) - limit)[len(best) - limit])


def _same_model(references: list[Reference]) -> str | None:
    models = sorted({reference.model_sha256 for reference in references})
    if len(models) > 1:
        raise ModelError(
            f"references were made by {len(models)} different models ({', '.join(m[:12] for m in models)}); their "
            "embeddings can't be compared: embed the kept pictures again with the model in use"
        )
    return models[0] if models else None


def _matrix(references: list[Reference]) -> NDArray[np.float32]:
    if not references:
        return np.zeros((0, 0), np.float32)
    shapes = {reference.embedding.shape for reference in references}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise ModelError(f"references have embeddings of different shapes {sorted(shapes)}; embed the pictures again")
    matrix = np.stack([reference.embedding for reference in references]).astype(np.float32)
    lengths = np.linalg.norm(matrix, axis=1)
    if not np.isfinite(lengths).all() or np.abs(lengths - 1.0).max() > 1e-3:
        bad = references[int(np.argmax(~(np.abs(lengths - 1.0) <= 1e-3)))]
        raise ModelError(f"reference {bad.reference_id} has no embedding of length 1; embed its picture again")
    return matrix
