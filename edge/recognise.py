"""From aligned crops to an answer: embed, fuse the shots of one track, decide. Unknown is the default answer.

The gallery computes the similarities elsewhere. This module reads no frame, follows no face and keeps no name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.arrays import ALIGNED_PX, BgrImage, Embedding, is_aligned
from edge.config import RecogniseConfig, RuntimeConfig
from edge.errors import AnswerError, ImageError, ModelError
from edge.records import Match, Reason
from edge.sessions import InputSpec, ModelEntry, Pack, Session, combined_sha256, load_file

MAX_BATCH = 32
LEAST_DIM = 2
PEER_INPUT = InputSpec(color="RGB", mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
"""ImageNet's mean and standard deviation in 0..255 units, as the public MobileFaceNet wants them."""

Score = tuple[str, float, str]
"""person_id, similarity, reference_id."""


class DecisionLimits(Protocol):
    """The two limits that `decide` applies; `pipeline.limits.MatchLimits` has them, and `RecogniseConfig`, too."""

    @property
    def min_similarity(self) -> float:
        """Least cosine."""

    @property
    def min_margin(self) -> float:
        """Least lead over the runner-up."""


class Embedder:
    """Aligned crops in, L2-normalised embeddings out."""

    def __init__(self, session: Session) -> None:
        side = session.fixed_size
        dims = [dim for dim in session.output_shapes.values() if len(dim) == 2]
        if side not in (None, (ALIGNED_PX, ALIGNED_PX)) or len(session.output_shapes) != 1 or not dims:
            raise ModelError(
                f"{session.info.file}: no embedder: it must take {ALIGNED_PX} x {ALIGNED_PX} crops and have "
                "one (N, D) output; choose an embed model of the pack"
            )
        self._session = session
        self._batch = session.batch or MAX_BATCH
        self.dim = int(next(iter(self._run(np.zeros((1, ALIGNED_PX, ALIGNED_PX, 3), np.uint8)))).shape[0])
        if self.dim < LEAST_DIM:
            raise ModelError(
                f"{session.info.file}: no embedder: it answers {self.dim} number a face, by which nobody can be told "
                "from others; choose an embed model of the pack"
            )

    @property
    def sha256(self) -> str:
        """SHA-256 of the model file; embeddings of different models are never compared."""
        return self._session.sha256

    @property
    def num_refused(self) -> int:
        """Answers that were no embedding."""
        return self._session.num_refused

    def describe(self) -> dict[str, Any]:
        """JSON-ready: which model, and what runs it."""
        return self._session.describe()

    def embed(self, aligned: Sequence[BgrImage] | NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embeddings of aligned crops.

        Parameters
        ----------
        aligned : (N, 112, 112, 3) uint8 BGR, or a sequence of N such crops; N may be 0

        Returns
        -------
        (N, D) float32, each row of length 1

        Raises
        ------
        ImageError
            A crop of another shape or dtype.
        AnswerError
            The model answers a vector that is zero or not finite.
        """
        crops = list(aligned)
        for crop in crops:
            if not is_aligned(crop):
                got = getattr(crop, "shape", type(crop).__name__)
                raise ImageError(f"an aligned crop must be (112, 112, 3) uint8 BGR, got {got}; align the face first")
        out = np.empty((len(crops), self.dim), np.float32)
        for start in range(0, len(crops), self._batch):
            part = np.stack(crops[start : start + self._batch])
            try:
                out[start : start + len(part)] = normalise(self._run(part))
            except AnswerError:
                raise self._session.refuse("answered a vector that is zero or not finite") from None
        return out

    def _run(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Raw vectors (N, D); a model of fixed batch gets its last batch filled up with black."""
        missing = (self._session.batch or len(crops)) - len(crops)
        full = np.concatenate([crops, np.zeros((missing, *crops.shape[1:]), np.uint8)]) if missing > 0 else crops
        (vectors,) = self._session.run(self._session.spec.tensor(full)).values()
        return vectors[: len(crops)]


class CombinedEmbedder(Embedder):
    """Two embedders as one: their embeddings side by side, so that a cosine is the weighted sum of the two cosines."""

    def __init__(self, first: Embedder, second: Embedder, weight: float) -> None:
        """`weight` is the share of `second`, between 0 and 1; `first` has the rest."""
        self._parts = ((first, math.sqrt(1.0 - weight)), (second, math.sqrt(weight)))
        self._sha256 = combined_sha256(first.sha256, second.sha256, weight)
        self.dim = first.dim + second.dim

    @property
    def sha256(self) -> str:
        """Name of this pair at this weight."""
        return self._sha256

    @property
    def num_refused(self) -> int:
        """Answers of either that were no embedding."""
        return sum(part.num_refused for part, _ in self._parts)

    def describe(self) -> dict[str, Any]:
        """JSON-ready: the description of the first, under the pair's name and hash, and both in `parts`."""
        parts = [part.describe() for part, _ in self._parts]
        name = " + ".join(str(part["name"]) for part in parts)
        choice = "; ".join(f"{part['name']}: {part['choice']}" for part in parts)
        return {**parts[0], "name": name, "sha256": self.sha256, "choice": choice, "parts": parts}

    def embed(self, aligned: Sequence[BgrImage] | NDArray[np.uint8]) -> NDArray[np.float32]:
        """As `Embedder.embed`; (N, D1 + D2)."""
        return np.hstack([np.float32(share) * part.embed(aligned) for part, share in self._parts])


def build_embedder(config: RecogniseConfig, pack: Pack, runtime: RuntimeConfig) -> Embedder:
    """The embedder `config.model` names in the pack."""
    return open_embedder(pack, pack.find("embed", config.model), lambda entry: pack.load(entry, runtime))


def open_embedder(pack: Pack, entry: ModelEntry, load: Callable[[ModelEntry], Session]) -> Embedder:
    """The embedder of an entry, together with the one it is combined with; raises ModelError."""
    first = Embedder(load(entry))
    if entry.combine is None:
        return first
    return CombinedEmbedder(first, Embedder(load(pack.find("embed", entry.combine.model))), entry.combine.weight)


def open_peer_embedder(path: Path, runtime: RuntimeConfig) -> Embedder:
    """A public MobileFaceNet-format file (112 px, RGB, ImageNet mean and deviation), for comparison only."""
    return Embedder(load_file(path, "embed", runtime, PEER_INPUT))


def normalise(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of (N, D) scaled to length 1, as a new array; raises AnswerError if a row is zero or not finite."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths < 1e-9).any():
        raise AnswerError("the embedder answered a vector that is zero or not finite; run `edge models verify`")
    return np.asarray(vectors / lengths, np.float32)


def fuse(embeddings: NDArray[np.float32], weights: Sequence[float] | NDArray[np.float32] | None = None) -> Embedding:
    """One embedding for the shots of one track: the weighted mean, of length 1.

    Parameters
    ----------
    embeddings : (N, D) float32, N at least 1
    weights : N numbers >= 0, such as quality scores; None, or all zero, weighs all alike

    Raises
    ------
    ImageError
        No embedding, not as many weights as embeddings, or a weight that is negative or not finite.
    """
    if embeddings.ndim != 2 or len(embeddings) == 0:
        raise ImageError(f"nothing to fuse: embeddings have shape {embeddings.shape}; pass (N, D) with N >= 1")
    share = np.ones(len(embeddings)) if weights is None else np.asarray(weights, np.float64)
    if share.shape != (len(embeddings),) or not np.isfinite(share).all() or (share < 0).any():
        raise ImageError(f"{len(embeddings)} embeddings need as many finite weights >= 0, got {share.tolist()}")
    if share.sum() == 0:
        share = np.ones(len(embeddings))
    mean = (share[:, np.newaxis] * embeddings).sum(axis=0) / share.sum()
    return np.asarray(normalise(mean[np.newaxis].astype(np.float32))[0], np.float32)


def decide(
    scores: Sequence[Score],
    settings: DecisionLimits,
    *,
    similarity_enhanced: float | None = None,
    expired_ids: Collection[str] = (),
) -> Match:
    """Similarities of one probe to every person -> a match, or unknown with the reason.

    `scores` holds each person once, in any order. A match needs `min_similarity` **and** a lead of `min_margin` over
    the best *other* person. With one person on the list there is no other: the lead is then over 0, which is what a
    stranger scores on average. Equal similarities are ranked by person_id, and their lead is 0, so they never match.
    `similarity_enhanced` is kept beside it and decides nothing: pixels changed for eyes don't name a person.
    """
    ranked = sorted((s for s in scores if math.isfinite(s[1])), key=lambda s: (-s[1], s[0]))
    if not ranked:
        return Match(None, None, -1.0, 0.0, None, None, -1.0, similarity_enhanced, Reason.NO_MATCH)
    person_id, similarity, reference_id = ranked[0]
    runner_up_id, runner_up = (ranked[1][0], ranked[1][1]) if len(ranked) > 1 else (None, 0.0)
    margin = similarity - runner_up
    reason = None
    if similarity < settings.min_similarity:
        reason = Reason.NO_MATCH
    elif margin < settings.min_margin or (runner_up_id is not None and margin <= 0):
        reason = Reason.BELOW_MARGIN
    elif person_id in expired_ids:
        reason = Reason.EXPIRED_ENTRY
    return Match(
        person_id=None if reason else person_id,
        candidate_id=person_id,
        similarity=similarity,
        margin=margin,
        runner_up_id=runner_up_id,
        reference_id=reference_id,
        similarity_original=similarity,
        similarity_enhanced=similarity_enhanced,
        reason=reason,
    )
