"""The people service for tests: without models, where every PNG is a good picture, and with the real ones."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from edge.app.build import Models
from edge.app.people import people as people_module
from edge.app.people.pictures import CheckedPerson
from edge.app.people.worker import PeopleWorker
from edge.config import Config
from edge.pixels.hashing import file_sha256
from edge.records import Person, Reference
from edge.serve.ports import PEOPLE
from edge.store import Store
from edge.watchlist.entry import PictureOutcome, Upload
from tests.support.drawings import pictures as drawn
from tests.support.web import WebSide, running


def check_png(
    store: Store,
    models: Models,
    person: Person,
    pictures: Sequence[Upload | Path],
    *,
    replaces: bool = False,
    allow_alike: bool = False,
    compares: bool = True,
    face: int | None = None,
) -> CheckedPerson:
    """Stands for `pictures.check_pictures`, which is tested with real models."""
    outcomes, references, images = [], [], {}
    vector = np.zeros(128, np.float32)
    vector[7] = 1.0
    for picture in pictures:
        assert isinstance(picture, Upload)
        good = picture.data.startswith(b"\x89PNG")
        reason = None if good else "no_face"
        outcomes.append(PictureOutcome(picture.name, good, reason, "looked at", {"faces": float(good)}))
        if good:
            name = file_sha256(picture.data)
            images[name] = picture.data
            about = f"{person.person_id}-{name[:8]}", person.person_id, name, vector, "e" * 64
            references.append(Reference(*about, {}, picture.name))
    return CheckedPerson(person, tuple(outcomes), tuple(references), images)


@pytest.fixture
def any_png(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `check_png` the check of pictures."""
    monkeypatch.setattr(people_module, "check_pictures", check_png)


def picture(seed: int, *, good: bool = True) -> dict[str, str]:
    """A picture as the API takes it; one that is not good is none."""
    data = drawn(seed)["reference"] if good else b"no picture"
    return {"name": f"{seed}.png", "data": base64.b64encode(data).decode()}


def people_for(store: Store) -> PeopleWorker:
    """For `running(people=...)`, under the fixture `any_png`."""
    return PeopleWorker(Config(), store, lambda config: cast(Models, object()))


@contextlib.asynccontextmanager
async def with_models(folder: Path) -> AsyncIterator[WebSide]:
    """The web side with a people service over the real models."""
    async with running(folder) as box:
        made = PeopleWorker(Config(data_dir=folder / "data"), box.store)
        box.runner.app._state[PEOPLE] = made
        try:
            yield box
        finally:
            made.close()
