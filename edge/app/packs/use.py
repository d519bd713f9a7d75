"""`edge models use`: put another pack in use, after it has shown that it works, and take the people along.

The link moves only after the pack passes: whole files, models that load, the demo clip within the recorded band.
People enrolled with another embedder get embeddings of the new one first, beside those in use; then the link moves,
the pack is opened through it, and the embeddings change in one transaction. What fails after the move moves it back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from edge.app.build import Models, load_models
from edge.app.people.embeddings import reembed, stage
from edge.app.selfcheck.figures import Finding
from edge.app.selfcheck.known_answers import Progress, replay
from edge.config import Config
from edge.errors import EdgeError, ModelError
from edge.ops.packs.shelf import Shelf
from edge.sessions import PACKAGED, Pack
from edge.store import Store


@dataclass(frozen=True, slots=True)
class Used:
    """The result of `edge models use`."""

    name: str
    path: Path
    is_used: bool
    findings: tuple[Finding, ...]
    reembedded: dict[str, Any] | None
    problem: str | None

    def as_json(self) -> dict[str, Any]:
        """JSON-ready form."""
        told = {**asdict(self), "path": str(self.path), "replay": as_json(self.findings)}
        del told["findings"]
        return told


def as_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Figures of a replay with their bands."""
    return [{**asdict(finding), "ok": finding.ok} for finding in findings]


def check(config: Config, progress: Progress | None = None) -> tuple[Models, list[Finding]]:
    """Verify the pack that `config` names and replay the demo clip with it; raises ModelError for a broken file."""
    pack = Pack.open(config.models_dir)
    for result in pack.verify(config.runtime):
        if result.problem:
            raise ModelError(result.problem)
    models = load_models(config)
    recorded = pack.recorded_answers()
    return models, replay(config, models, recorded, progress)


def use(config: Config, name: str | None, progress: Progress | None = None) -> Used:
    """Put the pack called `name` in use, or with None the one before; what is in use stays where it fails its check.

    Raises ModelError for a pack that is not there or not whole, StoreError where the people can't be embedded.
    """
    shelf = Shelf(config)
    with shelf.locked():
        path = shelf.back() if name is None else shelf.find(name)
        name = name or (path.name if path.parent == shelf.folder else PACKAGED)
        models, findings = check(config.model_copy(update={"models_dir": path}), progress)
        if bad := [finding for finding in findings if not finding.ok]:
            return Used(name, path, False, tuple(findings), None, outside(bad))
        _take_people_along(config, models, partial(stage, progress=_bar_of(progress)))
        shelf.swap(path)
        try:
            Pack.open(shelf.used)
            made = _take_people_along(config, models, reembed)
        except EdgeError as error:
            shelf.swap(shelf.back())
            return Used(name, path, False, tuple(findings), None, f"{error}; the pack that was in use is back")
        return Used(name, path, True, tuple(findings), made, None)


def _bar_of(progress: Progress | None) -> Callable[[int, int], None]:
    return lambda done, total: progress("references", done, total) if progress is not None else None


def _take_people_along(
    config: Config, models: Models, step: Callable[[Store, Models], dict[str, Any]]
) -> dict[str, Any] | None:
    """Re-embed the references of another embedder; None if there are none."""
    if not (config.data_dir / "edge.db").is_file():
        return None
    with Store.open(config.data_dir) as store:
        if all(one.model_sha256 == models.stages.embedder.sha256 for one in store.references()):
            return None
        return step(store, models)


def outside(bad: Sequence[Finding]) -> str:
    """The figures that left their bands, in words."""
    told = "; ".join(f"{f.name} {f.found:g}, recorded {f.low:g} to {f.high:g}" for f in bad)
    return f"the demo clip leaves its band: {told}. The pack in use stays"
