"""Start a model by the first way in which it reproduces its known answer; say which one and why.

A way is a file, a provider and an arithmetic. The file that was asked for comes first, on each provider in turn. Then
come the same model in full precision, where the pack has it, and the same file in exact arithmetic. An embedder's exact
arithmetic goes before the other file: embeddings of another file are not compared with those of the enrolled.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.config import RuntimeConfig
from edge.errors import ModelError
from edge.sessions.known import KnownAnswer, drawn_input
from edge.sessions.manifest import ModelEntry
from edge.sessions.session import Arithmetic, Session, task_providers

log = logging.getLogger(__name__)
UNKNOWN = "the pack holds no known answer for this file"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run a model; `skip` leaves out that many of the providers that `auto` would choose."""

    entry: ModelEntry
    skip: int = 0
    arithmetic: Arithmetic = "as built"


def ways_of(entry: ModelEntry, runtime: RuntimeConfig, twins: Sequence[ModelEntry] = ()) -> list[Way]:
    """Every way to run a model, best first; `twins` are the same model in full precision."""
    skips = range(len(task_providers(entry.task, runtime)) if runtime.provider == "auto" else 1)
    own = [Way(entry, skip) for skip in skips]
    exact = [Way(entry, skips[-1], "exact")] if entry.precision == "int8" else []
    others = [Way(twin, skip) for twin in twins for skip in skips]
    return [*own, *exact, *others] if entry.task == "embed" else [*own, *others, *exact]


def start(
    ways: Sequence[Way], open_way: Callable[[Way], Session], known: Callable[[str], KnownAnswer | None]
) -> Session:
    """Open the first way whose session reproduces its known answer.

    `open_way` loads and warms up and may raise ModelError; `known` tells the known answer of a file by its SHA-256, or
    None. The session's `choice` says what was chosen and what was passed over. Raises ModelError where the file that
    was asked for does not open on the last provider, or where no way reproduces its known answer.
    """
    passed_over: list[str] = []
    for number, way in enumerate(ways):
        try:
            session = open_way(way)
        except ModelError as error:
            # What is wrong with the file itself shows on every provider, so only the last one's error counts.
            is_last = not any(later.entry is way.entry and later.skip > way.skip for later in ways[number + 1 :])
            if way.entry is ways[0].entry and is_last:
                raise
            passed_over.append(str(error))
            continue
        problem, words = _judge(session, known)
        if problem is None:
            session.choice = "; ".join([words, *(f"passed over: {reason}" for reason in passed_over)])
            if passed_over:
                log.warning("%s on %s, %s: %s", session.info.file, session.provider, way.arithmetic, session.choice)
            return session
        passed_over.append(problem)
    raise ModelError(
        f"{ways[0].entry.file}: the model {ways[0].entry.name} is refused, for no way to run it on this machine gives "
        f"the right answer ({'; '.join(passed_over)}); update driver or onnxruntime, or restore the pack"
    )


def _judge(session: Session, known: Callable[[str], KnownAnswer | None]) -> tuple[str | None, str]:
    """(what is wrong with the session's answer or None, what was found)."""
    try:
        answer = known(session.sha256)
    except ModelError as error:
        log.warning("%s: its answer can't be checked: %s", session.info.file, error)
        return None, f"not checked: {error}"
    if answer is None:
        return None, UNKNOWN
    distance = answer.distance(session.run(drawn_input(answer.seed, answer.shape, session.spec)))
    if distance <= 1.0:
        return None, f"reproduces its known answer ({distance:.2f} of the tolerance)"
    told = "something else than" if distance == float("inf") else f"{distance:.1f} times the tolerance away from"
    where = f"{session.info.file} on {session.provider}" + (", exact" if session.arithmetic == "exact" else "")
    return f"{where} answers {told} its known answer", ""
