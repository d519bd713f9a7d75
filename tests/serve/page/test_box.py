"""The box page: which model runs how, and why."""

from __future__ import annotations

from pathlib import Path

from tests.support.web import run, running

CHOICE = "reproduces its known answer (0.10 of the tolerance); passed over: e.onnx on <GPU> answers something else"


def test_it_says_how_a_model_is_run_and_why(tmp_path: Path) -> None:
    embed = {"name": "embed_plain", "precision": "int8", "provider": "CPUExecutionProvider", "choice": CHOICE}

    async def check() -> None:
        async with running(tmp_path, facts={"models": {"embed": embed}}) as box:
            answer, page = await box.get("/box", box.session("supervisor"))
            assert answer.status == 200
            for said in ("embed_plain", "int8", "CPUExecutionProvider", CHOICE.replace("<GPU>", "&lt;GPU&gt;")):
                assert said in page.decode()

    run(check())
