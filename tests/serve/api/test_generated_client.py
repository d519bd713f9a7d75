"""Central developers' ways in: a client made of openapi.json by a generator, and the example of docs/central.md."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.store import Store
from tests.support.paths import ROOT
from tests.support.serve.central import served
from tests.support.store import ANN, add_hits, enrol

GENERATOR = ROOT / "build" / "openapi" / "bin" / "openapi-python-client"
SCOPES = ["alerts:read", "watchlist:read", "watchlist:write"]
IMAGES = {f"image/{kind}": "application/octet-stream" for kind in ("png", "jpeg")}
SETTINGS = {"content_type_overrides": IMAGES, "post_hooks": []}
"""Without hooks, which would make the code pretty."""


@pytest.fixture
def generator() -> Path:
    """The program; a test that asks for it is skipped by name where it is absent."""
    found = GENERATOR if GENERATOR.is_file() else shutil.which("openapi-python-client")
    if found is None:
        pytest.skip("needs openapi-python-client: `make client-test` installs it beside the checkout's environment")
    return Path(found)


def test_a_generated_client_follows_a_box(tmp_path: Path, generator: Path, portrait: Path) -> None:
    (tmp_path / "bytes.json").write_text(json.dumps(SETTINGS), "utf-8")
    golden = ROOT / "tests" / "golden" / "openapi.json"
    options = ["--meta", "none", "--output-path", "edge_client", "--config", "bytes.json"]
    made = subprocess.run(
        [generator, "generate", "--path", golden, *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert "arning" not in made.stdout + made.stderr, "a part of the document is not understood"
    with Store.open(tmp_path / "data") as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(1, 6))
        token = store.add_token("city", SCOPES).result(10)
        with served(store, can_enrol=True) as (url,):
            script = ROOT / "tests" / "support" / "serve" / "generated_client.py"
            python = generator.parent / "python"
            command = [python if python.exists() else sys.executable, script, url, token, portrait]
            used = subprocess.run(
                command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False
            )
            assert used.returncode == 0, used.stderr
            told = json.loads(used.stdout)
            crop = store.image_path(store.hit(told["hit"][0]).images.crop)
        box_id = store.box_id
    assert told["items"] == sorted(told["items"])
    assert len(told["items"]) >= 5
    assert told["hit"][1] == ANN.name
    assert told["crop_bytes"] > 0
    assert crop is not None
    assert (told["changed"], told["erased"]) == ("ChangedJson", "ErasedJson")
    assert told["listed"] == sorted([ANN.person_id, "rosa"])
    assert told["refused"] == ["Problem", 400]
    assert told["health"] == box_id
    assert told["coverage"] == "CoverageJson"


def test_the_example_of_the_documents_sends_a_list_with_pictures(tmp_path: Path, portrait: Path) -> None:
    text = (ROOT / "docs" / "central.md").read_text("utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    for name in ("front.jpg", "side.jpg"):
        shutil.copy(portrait, tmp_path / name)
    with Store.open(tmp_path / "data") as store:
        enrol(store, ANN)
        token = store.add_token("city", SCOPES).result(10)
        with served(store, can_enrol=True) as (url,):
            script = example.replace("http://127.0.0.1:8080", url).replace('"TOKEN"', f'"{token}"')
            done = subprocess.run(
                [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, done.stderr
        assert [(person.person_id, person.name) for person in store.people()] == [("17", "Ann Example")]
        assert len(store.references()) == 1, "the second picture is a copy of the first"
    answer = json.loads(done.stdout)
    assert "near" in json.dumps(answer) or "duplicate" in json.dumps(answer)
