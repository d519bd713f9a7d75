"""What templates of one language can use: texts and filters. Of the page, and of reports and sheets of `app`."""

from __future__ import annotations

import jinja2

from edge.serve.page.audited import AuditWords
from edge.serve.page.language import Translate
from edge.serve.page.words import Words
from edge.serve.page.zone import SiteZone


def make_environment(package: str, t: Translate, zone: SiteZone) -> jinja2.Environment:
    """Load the templates of a package; every value is escaped, a missing one is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({**Words(t, zone).filters(), **AuditWords(t).filters()})
    environment.globals["t"] = t
    return environment
