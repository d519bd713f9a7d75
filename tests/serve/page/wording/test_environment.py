"""Templates are compiled once in a process, for each language on its own."""

from __future__ import annotations

import jinja2
import pytest

from edge.serve.page.wording.environment import make_environment
from edge.serve.page.wording.language import Translate
from edge.serve.page.wording.zone import SiteZone

TEMPLATE = "login.html"


def test_a_second_environment_compiles_nothing_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    compile_one = jinja2.Environment.compile

    def count(self: jinja2.Environment, *given: object, **more: object) -> object:
        compiled.append(self.globals["t"].language)  # type: ignore[attr-defined]
        return compile_one(self, *given, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(jinja2.Environment, "compile", count)
    zone = SiteZone("Asia/Kolkata")  # of no other test of templates
    for language in ("en", "de", "en", "de"):
        template = make_environment("edge.serve.page", Translate(language), zone).get_template(TEMPLATE)
        assert template.environment.globals["t"].language == language
    assert compiled == ["en", "de"]
