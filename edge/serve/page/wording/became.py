"""What became of a face of an examination, in one sentence; for the page and for the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edge.serve.page.wording.language import Translate
from edge.serve.page.wording.words import Words


class FaceWords:
    """Faces of an examination in one language."""

    def __init__(self, t: Translate, words: Words) -> None:
        self._t, self._words = t, words

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """By the names that the templates use."""
        return {"became": self.became}

    def became(self, face: Mapping[str, Any]) -> str:
        """The outcome of a line of `tracks.jsonl`; where it fell short, what was measured beside what was needed."""
        if not (reason := face["reason"]):
            return self._t("outcome.match")
        told, measured, needed = self._t(f"outcome.{reason}"), face["measured"], face["needed"]
        if measured is None or needed is None or measured >= needed:
            return told
        key = "examine.measured_quality" if face.get("by_quality") else f"examine.measured_{reason}"
        key = key if self._t.has(key) else "examine.measured"
        return f"{told}: {self._t(key, measured=self._number(measured), needed=self._number(needed))}"

    def _number(self, value: float) -> str:
        return self._words.decimals(value, 2 if value < 1 else 0)
