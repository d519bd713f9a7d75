"""A model that answers what is no number for some pictures: they are left out and counted, the rest goes on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.app.build import Models, load_active_list
from edge.app.health.checks import left_out
from edge.app.offline.clips import process
from edge.app.offline.contents import Clip
from edge.app.people.people import enrol
from edge.capture.sources import open_path
from edge.config import load
from edge.errors import AnswerError
from edge.pipeline import ActiveList, DeviceFacts, Pipeline
from edge.pipeline.bystanders import Bystanders, cover_everybody, find_bystanders
from edge.records import Frame, Person
from edge.sessions import Session
from edge.store import Store

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def active(tmp_path_factory: pytest.TempPathFactory, models: Models, portrait: Path) -> ActiveList:
    with Store.open(tmp_path_factory.mktemp("data")) as store:
        enrol(store, models, Person("p1", "P", "demo"), [portrait])
        return load_active_list(store, models)


@pytest.fixture(scope="module")
def frames(demo_clip: Path) -> list[Frame]:
    with open_path(demo_clip) as source:
        return [
            Frame(number, "door", AT + dt.timedelta(seconds=number / 25), number * 40_000_000, shot.image)
            for number, shot in enumerate(islice(source.frames(), 70))
        ]


class Faulty:
    """Answers `value` in place of numbers at every `every`-th run of one stage's model."""

    def __init__(self, session: Session, every: int, value: float) -> None:
        self._run, self._every, self._value = session.run, every, np.float32(value)
        self.num_wrong = self._num = 0

    def __call__(self, tensor: Any) -> dict[str, Any]:
        answer, self._num = self._run(tensor), self._num + 1
        if self._num % self._every:
            return answer
        self.num_wrong += 1
        return {name: np.full_like(values, self._value) for name, values in answer.items()}


@pytest.fixture(params=["detector", "embedder"])
def session(request: pytest.FixtureRequest, models: Models) -> Iterator[Session]:
    stage: Any = getattr(models.stages, request.param)
    stage._session.num_refused = 0
    yield stage._session
    stage._session.__dict__.pop("run", None)


def hits_of(models: Models, active: ActiveList, frames: list[Frame]) -> set[str]:
    pipeline = Pipeline(load(), models.stages, active, DeviceFacts("box", "test", {}, None, lambda frame: {}))
    drafts = [draft for frame in frames for draft in pipeline.process(frame).drafts]
    drafts += [draft for end in pipeline.finish("door") for draft in end.drafts]
    return {draft.hit.person.person_id for draft in drafts}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_some_wrong_answers_cost_themselves_alone(
    models: Models, active: ActiveList, frames: list[Frame], session: Session, value: float
) -> None:
    session.run = faulty = Faulty(session, 5, value)  # type: ignore[method-assign]
    assert hits_of(models, active, frames) == {"p1"}
    assert session.num_refused == faulty.num_wrong > 0
    assert models.stages.num_refused >= session.num_refused


def test_wrong_answers_alone_give_no_hit_and_no_error(
    models: Models, active: ActiveList, frames: list[Frame], session: Session
) -> None:
    session.run = Faulty(session, 1, np.nan)  # type: ignore[method-assign]
    assert hits_of(models, active, frames[:50]) == set()
    assert session.num_refused > 0


def test_files_tell_how_many_answers_were_left_out(
    models: Models, active: ActiveList, portrait: Path, session: Session
) -> None:
    session.run = Faulty(session, 1, np.nan)  # type: ignore[method-assign]
    (result,) = process(load(), models, active, [Clip("one", portrait)])
    assert not result.drafts
    assert result.problem is not None
    assert left_out(session.num_refused) in result.problem


def test_where_bystanders_can_not_be_looked_for_all_but_the_face_is_covered(models: Models) -> None:
    class Broken:
        def detect(self, image: Any, min_score: float | None = None) -> Any:
            raise AnswerError("no numbers")

    image = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    own = (100.0, 50.0, 160.0, 130.0)
    others = find_bystanders(image, own, Bystanders(), Broken())
    assert others.doubtful.tolist() == [[0, 0, 300, 200]]
    covered = cover_everybody(image, Bystanders(), Broken())
    assert (covered != image).mean() > 0.9
