"""What enhancement costs, for `edge bench`: each step on one face, int8 beside fp32, the whole chain on one core."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from edge.app.evaluation.timing import spread, time_ms
from edge.app.selfcheck import demo_clip
from edge.arrays import BgrImage
from edge.config import RuntimeConfig
from edge.enhance import STEPS, Enhancer, Networks, plan_steps
from edge.pixels import degrade
from edge.pixels.resize import resize
from edge.recognise import Embedder
from edge.sessions import Pack, Session

FACE_PX = 112
CHAIN = ("denoise", "lime", "deblur", "sr2")
CHAIN_MS = 15.0
"""What the chain may take for one face on one core."""
BESIDE_ROUNDS = 10
ONE_CORE = RuntimeConfig(threads=1)


def steps_of(pack: Pack, rounds: int) -> dict[str, Any]:
    """JSON-ready: ms per step on a 112 px face on one core, the chain with embedding, and int8 beside fp32."""
    face = np.ascontiguousarray(_face())
    enhancer = Enhancer("auto", networks=Networks(pack, ONE_CORE))
    there = [name for name, kind in STEPS.items() if not kind.learned or enhancer.networks.default_of(name)]
    ms: dict[str, dict[str, float]] = {}
    for name in there:
        plan = plan_steps([name])
        image = resize(face, 32, 32) if name == "sr4" else face
        ms[name] = _cost(lambda image=image, plan=plan: enhancer.apply(image, plan), rounds)  # type: ignore[misc]
    chain = [name for name in CHAIN if name in there]
    embedder = Embedder(pack.load(pack.find("embed"), ONE_CORE))
    plan = plan_steps(chain)

    def whole() -> None:
        changed, _ = enhancer.apply(face, plan)
        embedder.embed([resize(changed, FACE_PX, FACE_PX)])

    return {
        "steps": ms,
        "chain": {"steps": [*chain, "embed"], **_cost(whole, rounds), "limit_ms": CHAIN_MS},
        "int8_beside_fp32": beside(pack, BESIDE_ROUNDS),
    }


def _cost(call: Callable[[], object], rounds: int) -> dict[str, float]:
    """What the clock on the wall says, and how long the one core worked on it: on a busy machine only this tells."""
    work = float(np.percentile(time_ms(call, rounds, time.thread_time), 50))
    return {**spread(time_ms(call, rounds)), "core_ms": work}


def beside(pack: Pack, rounds: int) -> list[dict[str, Any]]:
    """Per int8 model: its time beside that of the same model in full precision, measured here in turn on one core.

    Where the pack holds no such file, the int8 file in exact arithmetic (without graph optimisations) stands beside it.
    """
    found = []
    for entry in pack.manifest.models:
        if entry.precision != "int8":
            continue
        twins = [(twin.precision, pack.load_only(twin, ONE_CORE), twin.bytes) for twin in pack.twins(entry)[:1]]
        other, session, size = twins[0] if twins else ("exact int8", pack.load_exact(entry), entry.bytes)
        sessions = {"int8": pack.load_only(entry, ONE_CORE), other: session}
        ms = {name: float(np.median(times)) for name, times in _in_turn(sessions, rounds).items()}
        rows = {"int8": {"ms": ms["int8"], "bytes": entry.bytes}, other: {"ms": ms[other], "bytes": size}}
        ratios = {"ms_ratio": round(ms["int8"] / ms[other], 3), "bytes_ratio": round(entry.bytes / size, 3)}
        found.append({"model": entry.name, "beside": other, **ratios, **rows})
    return found


def _in_turn(sessions: dict[str, Session], rounds: int) -> dict[str, list[float]]:
    """ms of each round of each session on the same drawn input, one after the other, so that load weighs on all."""
    times: dict[str, list[float]] = {name: [] for name in sessions}
    tensors = {name: session.drawn_input() for name, session in sessions.items()}
    for number in range(rounds + 2):
        for name, session in sessions.items():
            started = time.perf_counter()
            session.run(tensors[name])
            if number >= 2:
                times[name].append((time.perf_counter() - started) * 1000)
    return times


def _face() -> BgrImage:
    """The demo's person, a little noisy and dark, as the chain would meet it."""
    portrait = resize(demo_clip.portrait()[96:416, 96:416], FACE_PX, FACE_PX)
    return degrade.apply(portrait, "dark", 3, rng_or_seed=0)
