"""Limits what enhancement may cost per frame: drops steps in a fixed order when the device is behind or hot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

DROP_ORDER = ("sr4", "restore", "sr2", "deblur", "lime", "denoise")
"""Steps in the order in which they are dropped: first those that cost most and help least."""
HELD_BACK = {"behind": 0.25, "hot": 0.1}
"""Share of the budget that is left under each strain; the smallest counts."""
_NEW_WEIGHT = 0.2
_FIRST_GUESS_MS_PER_MP = 400.0


class Budget:
    """Milliseconds that enhancement may take per frame. Only live work has one: files may take any time.

    The vision thread spends it; the health monitor sets `strains`. Costs are measured on this device.
    """

    def __init__(self, frame_ms: float) -> None:
        self.frame_ms = frame_ms
        self.strains: frozenset[str] = frozenset()
        self.dropped: Counter[tuple[str, str]] = Counter()
        self._left = frame_ms
        self._ms_per_mp: dict[str, float] = {}

    def begin_frame(self) -> None:
        """Start a new frame with the whole budget, or with what strain leaves of it."""
        self._left = self.frame_ms * min((HELD_BACK[strain] for strain in self.strains), default=1.0)

    def trim(self, names: Iterable[str], num_pixels: int) -> dict[str, str]:
        """Steps to leave out of `names` so that the rest fits, with the reason; counts them and keeps the rest's."""
        wanted = list(names)
        cost = {name: self._ms_per_mp.get(name, _FIRST_GUESS_MS_PER_MP) * num_pixels / 1e6 for name in wanted}
        cause = ", ".join(sorted(self.strains)) or "busy"
        dropped = {}
        for name in DROP_ORDER:
            if sum(cost.values()) <= self._left:
                break
            if name in cost:
                expected = cost.pop(name)
                dropped[name] = f"dropped: {expected:.0f} ms expected, {max(self._left, 0.0):.0f} ms left ({cause})"
                self.dropped[(name, cause)] += 1
        self._left -= sum(cost.values())
        return dropped

    def note(self, name: str, ms: float, num_pixels: int) -> None:
        """Record how long a step took."""
        measured = ms / max(num_pixels / 1e6, 1e-4)
        known = self._ms_per_mp.get(name)
        self._ms_per_mp[name] = measured if known is None else known + _NEW_WEIGHT * (measured - known)
