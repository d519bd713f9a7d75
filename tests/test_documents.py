"""README and docs keep their promises: links resolve, every page is reachable, generated pages and names are right."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from edge import __version__
from edge.arrays import MAX_PIXELS
from edge.capture.pictures import images
from edge.capture.video import containers
from edge.cli.root import app
from edge.pipeline import bystanders
from edge.serve.api import coverage
from edge.serve.http import auth, inputs, slow_readers, uploads
from edge.serve.page.wording.words import ALIKE_ONE_IN
from edge.store import retention
from edge.store.accounts import passwords
from tests.support.paths import ROOT
from tools import documents

DOCS = ROOT / "docs"
ROLE = ROOT / "deploy" / "ansible" / "roles" / "edge"
PAGES = sorted(
    [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROLE / "README.md", ROOT / "models" / "quantized" / "MODELS.md"]
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
MAX_README_LINES = 150
MAX_IMAGE_BYTES = 150_000


def prose(page: Path) -> str:
    """Text of a page without its blocks of code and inline code, which hold no links."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^    .*$", "", text, flags=re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What `#...` may follow a link to `page`, as GitHub and mkdocs both make it of its headings."""
    heads = re.findall(r"^#{1,6} (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", re.sub(r"`", "", head)).strip().lower().replace(" ", "-") for head in heads}


def links(page: Path) -> Iterator[tuple[str, Path, str]]:
    """(link, file, anchor) of every relative link of a page."""
    for link in LINK.findall(prose(page)):
        if not re.match(r"[a-z]+:", link):
            target, _, anchor = link.partition("#")
            yield link, (page.parent / target).resolve() if target else page, anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_resolves(page: Path) -> None:
    for link, target, anchor in links(page):
        assert target.exists(), f"{page.name}: {link} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}: no such heading in {target.name}"


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_headings_make_the_same_anchor_everywhere(page: Path) -> None:
    """Where words are set apart by more than a space, GitHub writes two hyphens and mkdocs one."""
    assert not [anchor for anchor in anchors(page) if "--" in anchor]


def test_every_page_is_reachable_from_readme() -> None:
    found, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in found:
            found.add(page)
            waiting += [target for _, target, _ in links(page) if target.suffix == ".md"]
    assert set(PAGES) <= found


def test_every_page_of_the_docs_is_in_the_site() -> None:
    named = set(re.findall(r": ([a-z-]+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), flags=re.MULTILINE))
    assert named == {page.name for page in DOCS.glob("*.md")}


def test_readme_is_short() -> None:
    assert (ROOT / "README.md").read_text("utf-8").count("\n") <= MAX_README_LINES


def test_every_image_is_small_and_shown() -> None:
    shown = {target for page in PAGES for _, target, _ in links(page)}
    for image in (DOCS / "images").iterdir():
        assert image.stat().st_size < MAX_IMAGE_BYTES, image.name
        assert image in shown, f"no page shows {image.name}"


def test_generated_pages_are_fresh() -> None:
    for path, text in documents.pages().items():
        assert path.read_text("utf-8") == text, f"{path.name} is stale: run python -m tools.documents"


@pytest.mark.parametrize("line", [line for line, _ in documents.commands(typer.main.get_command(app), "edge")])
def test_commands_page_names_every_command(line: str) -> None:
    assert f"\n## {line}\n" in (DOCS / "commands.md").read_text("utf-8")


def test_every_command_in_the_documents_exists() -> None:
    known = {line for line, _ in documents.commands(typer.main.get_command(app), "edge")}
    groups = {line.rsplit(" ", 1)[0] for line in known} - {"edge"}
    for page in [*DOCS.glob("*.md"), ROOT / "README.md"]:
        for words in re.findall(
            r"(?:^    |`|/bin/|sudo )(edge [a-z][a-z-]*(?: [a-z][a-z-]*)?)", page.read_text("utf-8"), re.M
        ):
            command = words if words.rsplit(" ", 1)[0] in groups else " ".join(words.split()[:2])
            assert command in known, f"{page.name} names `{words}`, which is no command"


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(
        re.findall(r"^([\w./()$-]+):", (ROOT / "Makefile").read_text("utf-8").replace("$(VENV)", ".venv"), re.M)
    )
    for page in PAGES:
        for target in re.findall(r"(?:^    |`)make ([a-z][a-z0-9./-]*)", page.read_text("utf-8"), re.M):
            assert target in targets, f"{page.name} names `make {target}`"


def test_every_tool_in_the_documents_exists() -> None:
    for page in PAGES:
        for module in re.findall(r"python -m (tools[\w.]*)", page.read_text("utf-8")):
            path = ROOT / Path(*module.split("."))
            assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), f"{page.name}: {module}"


def test_every_option_in_the_documents_exists() -> None:
    known = dict(documents.commands(typer.main.get_command(app), "edge"))
    checked = 0
    for page in PAGES:
        for part in code(page):
            options = set(re.findall(r"(?<=\s)--[a-z][a-z-]*", part)) - {"--help"}
            if tool := re.search(r"python -m (tools[\w.]*\w)", part):
                there = set(re.findall(r'"(--[a-z][a-z-]*)"', source(tool[1], with_helpers=True)))
            elif words := re.search(r"(?:^|[\s/])edge ([a-z-]+)(?: ([a-z-]+))?", part):
                name = f"edge {words[1]} {words[2]}" if f"edge {words[1]} {words[2]}" in known else f"edge {words[1]}"
                if name not in known:
                    continue
                there = {
                    one for parameter in known[name].params for one in (*parameter.opts, *parameter.secondary_opts)
                }
            else:
                continue
            checked += len(options)
            assert options <= there, f"{page.name}: {part}"
    assert checked > 150


def code(page: Path) -> Iterator[str]:
    """Each command that a page shows, in a block or in a sentence, without its comment."""
    for block, inline in re.findall(r"^    (.+)$|`([^`\n]+)`", page.read_text("utf-8").replace("\\\n", " "), re.M):
        yield from re.split(r";|\||&&", (block or inline).split("  #")[0])


def source(module: str, *, with_helpers: bool = False) -> str:
    """The text of a tool; with its helpers, of all modules of its folder."""
    path = ROOT / Path(*module.split("."))
    files = [path.with_suffix(".py")] if path.with_suffix(".py").is_file() else sorted(path.rglob("*.py"))
    if with_helpers and path.parent != ROOT / "tools":
        files = sorted(path.parent.rglob("*.py"))
    return "\n".join(file.read_text("utf-8") for file in files)


def test_every_tool_in_the_documents_answers_help() -> None:
    for page in PAGES:
        for module in set(re.findall(r"python -m (tools[\w.]*\w)", page.read_text("utf-8"))) - {"tools.documents"}:
            assert re.search(r"ArgumentParser|arguments|parser", source(module)), (
                f"{module} would run, not answer --help"
            )


def test_every_route_of_the_api_is_documented() -> None:
    told = (DOCS / "central.md").read_text("utf-8")
    for path in json.loads((ROOT / "tests" / "golden" / "openapi.json").read_text("utf-8"))["paths"]:
        assert f"| `{path}` |" in told, f"docs/central.md does not list {path}"


def test_every_subject_of_health_is_documented_with_its_states() -> None:
    """The page has a sentence for each condition, `SUBJECT_STATE`; central servers have a row."""
    catalogue = tomllib.loads((ROOT / "edge" / "serve" / "page" / "catalogue" / "en.toml").read_text("utf-8"))
    known = {tuple(name.split("_", 1)) for name in catalogue["condition"]}
    known |= {("recognition", "paused"), ("recognition", "running"), ("quarantine", "dropped")}
    told: set[tuple[str, ...]] = set()
    subjects: list[str] = []
    part = (DOCS / "central.md").read_text("utf-8").split("### Subjects of health")[1].split("\n## ")[0]
    for cells in re.findall(r"^\| (.*?) ?\| (`.*?) \|", part, flags=re.MULTILINE):
        subjects = re.findall(r"`(\w+)`", cells[0]) or subjects
        told |= set(itertools.product(subjects, re.findall(r"`(\w+)`", cells[1])))
    assert known - told == set()
    assert {subject for subject, _ in told} == {subject for subject, _ in known}


def million(number: int) -> str:
    """A number of millions as the documents write it."""
    return f"{number / 1e6:g} million"


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("security", f"a detector score of {bystanders.DOUBTFUL_SCORE} or more"),
        ("security", f"Frames of more than {bystanders.MAX_UNTILED_PX} pixels"),
        ("security", f"pictures of more than {million(MAX_PIXELS)} pixels"),
        ("security", f"(videos: {million(containers.MAX_VIDEO_PIXELS)})"),
        ("security", f"pixels and {images.PIXELS_PER_BYTE} for each byte of the file"),
        ("security", f"every enrolled picture of more than {million(images.MAX_FOREIGN_PIXELS)} pixels"),
        ("security", f"locked for that address for {passwords.FIRST_LOCK_S} s"),
        ("security", f"A revoked login ends within {auth.SESSION_CACHE_S:g} s"),
        ("central", f"bodies at {inputs.MIN_BYTES_PER_S // 1000} kB/s after the first {inputs.BODY_TIMEOUT_S:g} s"),
        ("central", f"takes nothing of an answer for {slow_readers.STUCK_AFTER_S:g} s"),
        ("central", f"at most {uploads.MAX_PICTURES} pictures of {uploads.MAX_PICTURE_BYTES // 10**6} MB each"),
        ("central", f"more than {coverage.MAX_SPANS:,} of them"),
        ("guards", f"fewer than one stranger in {ALIKE_ONE_IN:,}"),
        ("contract", f"at most {retention.MAX_FEED_BYTES // 10**6} MB of items"),
    ],
)
def test_figures_of_the_documents_are_those_of_the_program(page: str, sentence: str) -> None:
    assert sentence in " ".join((DOCS / f"{page}.md").read_text("utf-8").split())


def test_every_path_that_contributing_names_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = set(re.findall(r"`((?:edge|tests|tools|docs|models|deploy)/[\w./-]*)`", text))
    missing = sorted(name for name in named if not (ROOT / name).exists())
    assert not missing
    assert len(named) > 20


def test_the_role_tells_every_variable() -> None:
    told = (ROLE / "README.md").read_text("utf-8")
    specified = re.findall(r"^      (edge_\w+):$", (ROLE / "meta" / "argument_specs.yml").read_text("utf-8"), re.M)
    assert specified
    for name in specified:
        assert f"\n| `{name}` |" in told, f"the role's README does not tell {name}"
    for name, value in re.findall(r"^(edge_\w+): (.+)$", (ROLE / "defaults" / "main.yml").read_text("utf-8"), re.M):
        line = next(line for line in told.splitlines() if line.startswith(f"| `{name}` |"))
        assert f"`{value}`" in line or name == "edge_system_packages", f"the default of {name} is {value}: {line}"


def test_decisions_have_an_index_in_their_order() -> None:
    text = (ROOT / "DECISIONS.md").read_text("utf-8")
    listed = re.findall(r"^- \[(\d+\. .+)\]\(#", text, re.M)
    assert listed == re.findall(r"^## (\d+\. .+)$", text, re.M)
    assert [int(entry.partition(".")[0]) for entry in listed] == [
        n for n, _ in zip(itertools.count(1), listed, strict=False)
    ]


def test_licence_and_version_agree_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["license"] == "Apache-2.0"
    assert all((ROOT / name).is_file() for name in project["license-files"])
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")
    assert re.search(rf"^## \[{re.escape(__version__)}\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    example = (ROOT / "deploy" / "ansible" / "inventory.example.yml").read_text("utf-8")
    assert f"edge_version: {__version__}\n" in example
