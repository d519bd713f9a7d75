"""Why a hit is a hit: each gate's value against its limit, and what single change would have made the answer "unknown".

Only reads the record, for the command line and the page; opens no picture and no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge.records import Hit


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate as it was passed; `slack` is how much its value could have been lower."""

    name: str
    value: float
    limit: float

    @property
    def slack(self) -> float:
        """Value minus limit: 0 is exactly the limit; below 0 the gate was not needed (an early or late answer)."""
        return self.value - self.limit


@dataclass(frozen=True, slots=True)
class Explanation:
    """The recorded decision of a hit. `nearest` is the gate, similarity or margin, with the least slack."""

    gates: tuple[Gate, ...]
    timing: str
    kind: str
    limits: str
    nearest: Gate | None
    runner_up_id: str | None


SENTENCES: Mapping[str, str] = {
    "similarity": "a similarity {by} lower, or a min_similarity above {value}",
    "margin": "a runner-up {by} more similar, or a min_margin above {value}",
    "detector_score": "a detector score {by} lower when the face was first seen",
    "face_px": "a face {by} px smaller",
    "quality": "a best picture {by} points worse",
    "shots": "a number of good pictures {by} lower, or min_shots above {value}",
}
"""By gate: what single change would have made the answer "unknown"."""

_PLACES = {"similarity": 3, "margin": 3, "detector_score": 2, "face_px": 0, "quality": 0, "shots": 0}


def explain(hit: Hit) -> Explanation:
    """Read the decision of a hit; hits of older versions have similarity and margin alone, and no limits."""
    told = hit.decision
    gates = tuple(Gate(str(gate["gate"]), float(gate["value"]), float(gate["limit"])) for gate in told.get("gates", ()))
    deciding = [gate for gate in gates if gate.name in ("similarity", "margin")]
    return Explanation(
        gates=gates,
        timing=str(told.get("timing", "")),
        kind=str(told.get("kind", "")),
        limits=str(told.get("limits", "")),
        nearest=min(deciding, key=lambda gate: gate.slack) if deciding else None,
        runner_up_id=hit.runner_up_id,
    )


def number(gate: Gate, value: float) -> str:
    """A value of a gate in the digits it deserves."""
    return f"{value:.{_PLACES.get(gate.name, 3)}f}"


def flip(gate: Gate) -> str | None:
    """What single change at this gate would have flipped the answer; None where it was not in force."""
    if gate.slack < 0 or gate.name not in SENTENCES:
        return None
    return SENTENCES[gate.name].format(by=number(gate, beyond(gate)), value=number(gate, gate.value))


def beyond(gate: Gate) -> float:
    """Return the smallest change that fails the gate: a value equal to its limit passes, so pictures count one more."""
    return gate.slack + 1 if gate.name == "shots" else gate.slack


def lines(hit: Hit) -> list[str]:
    """The explanation as text, a line per fact."""
    told = explain(hit)
    if not told.gates:
        return ["This hit was made by an older version, which did not record its limits."]
    text = []
    for gate in told.gates:
        mark = "passed" if gate.slack >= 0 else "not needed"
        text.append(f"{gate.name}: {number(gate, gate.value)}, needs {number(gate, gate.limit)}: {mark}")
    text.append(
        f"limits: from the {told.limits}, for {told.kind} pictures; the answer was {told.timing.replace('_', ' ')}"
    )
    text.append(f"false alerts: {hit.expected_false_alerts}")
    if hit.enhancement.get("found_on") == "enhanced":
        text.append("the match rests on the enhanced face: as captured it would not have been enough")
    if hit.enhancement.get("disagrees"):
        by, limit = hit.enhancement["difference"], hit.enhancement["limit"]
        text.append(f"captured and enhanced face disagree by {by:+.3f}; beyond {limit:.3f} is unusual for one face")
    if told.nearest is not None:
        text.append(f"nearest to unknown: {told.nearest.name}, by {number(told.nearest, told.nearest.slack)}")
    text += [f"would be unknown with: {change}" for gate in told.gates if (change := flip(gate))]
    return text
