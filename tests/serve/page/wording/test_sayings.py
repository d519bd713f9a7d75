"""What stages, cameras and store say is known on the German page: every sentence of theirs, as their source has it."""

from __future__ import annotations

import ast
import itertools
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.app.commission.findings import sentence
from edge.app.health.lowering import DEEPEST, LoweringOrder
from edge.serve.page.wording.sayings import FOLDER, shown
from edge.serve.page.wording.sayings import sayings_of as sayings
from tests.support.paths import ROOT

GERMAN = sayings("de")
KNOWN = tomllib.loads((FOLDER / "de_sayings.toml").read_text("utf-8"))
_MODULES = (
    "capture/address.py capture/health.py capture/supervisor.py capture/child.py capture/camera.py capture/files.py "
    "capture/network capture/devices capture/video capture/pictures app/health/checks.py app/health/drift.py "
    "app/packs/model_files.py app/examine/queue.py app/examine/results.py app/commission/page.py "
    "enhance/planner.py enhance/budget.py enhance/benefit.py enhance/view.py ops/system/sensors.py store/repair "
    "store/identity/identity.py store/database/connect.py serve/page serve/http/problems.py serve/http/uploads.py "
    "store/feed/epoch.py"
)
SPOKEN = _MODULES.split()
"""Modules of `edge` whose sentences reach the page."""
SAMPLES = {
    "report.text": "no such host; check the address",
    "why": "no such host; check the address",
    "said": "21 degrees Celsius",
    "seen": "noise at level 2, dark at level 1",
    "benefit.problem": "no benefit was measured",
    "told": "the camera redirects to http://other/",
    "detail": "9 MB are free, 200 MB are asked for",
    "last": "none has ever pulled",
    "question": "is a lamp out?",
    "what": "gives no pictures",
    "recordings what": "sound alone",
    "model_files what": "is gone",
    "' and '.join(self.what)": "the copy of a damaged database and the data that a restore had replaced",
    "fault": "noise",
    "text": "Permission denied",
    "which": "a text or playlist, not a video",
    "_MEANING[sqlite3.SQLITE_FULL]": "the disk is full; free some space, or lower max_image_bytes",
    "advice": "check the address's path",
    "meaning": "access is denied; check who owns the folder",
    "kinds": "disk and serial number",
    "listed": "picamera:0 is imx708",
    "_others(dev)": "; cameras found here: /dev/video0",
    "named": " (vlc, process 7)",
    "none": " without a single JPEG picture (of no named kind)",
    "way": "back",
    "', '.join(steps)": "lime for dark from level 2",
    "explain_device(path) or 'gives no pictures in a format known here'": "the camera behind it is gone",
    "explain_absence(self.number, found, Path('/dev'))": "no camera has the number 2; picamera:0 is imx708",
    "error.strerror or error": "Permission denied",
}
"""What stands in a blank, by the source's expression, with the module before it where others mean another thing by it.

In other blanks stands a word that nobody knows.
"""
NOT_SHOWN = (
    "is no known",  # of the configuration, which is read before there is a page
    "source ",
    "camera {",
    "user:pass",
    "write source",
    "has no known scheme",
    "add its case here",
    "enter the source first",
    "HTTP/1.0",
    "RTSP/1.0",
    "HTTP/1.1",
    "Digest {",
    "__",
    "PRAGMA",
    "INSERT ",
    "UPDATE ",
    "SELECT ",
    "WHERE ",
    "DELETE ",
    "json_extract",
    "No cameras available",  # what GStreamer says, looked for in its words
    "Invalid camera device",
    "Failed to create CaptureSession",
    "Connecting to nvargus-daemon failed",
    "Frame Rate specified is greater",
    "private, max-age",
    "public, max-age",
    "event: {",
    "} MB",  # parts of sentences, which stand in others
    "DROP TRIGGER",
    " differs from its copy",  # looked for in what a check finds
    "reference to page",  # looked for in what SQLite says
    "{mark} as {",
    "://{",
    "without a single JPEG picture",
    "; cameras found here",
    ", process {",
    " and says: ",
    "picamera:{index} is ",
    "a text or playlist, not a video",
    "not a video that can be read here, nor a picture",
    "is not what its manifest promises",
    "1000000.0",
    "The cursor was not issued",  # titles for programs; the page has its own
    "The cursor is too old",
    "The picture can't be used",
    "Not found, or no longer",
    "Conflict with what is stored",
    "The data directory can't",
    "The camera can't be reached",
    "A service can't be reached",
    "neither HEIC nor AVIF",  # the program's own faults
    "no start of frame",
    "is within its hours",  # that nothing is wrong, which no page shows
    "no new damage",
    "on its own machine",
    "no central server is waited for",
    "a central server pulls",
    "the clock is right again",
    "faces are as they were before",
    "the first week are being measured",
    "too few faces to be compared",
    "are whole again",
    "on this machine since",
    "so there is no identity to renew",
    " changed",
    "edge watchlist calibrate",
    "(about|fewer than)",
    "disk_low schedule_off",
    "{zone.full(",
    "{self.decimals(",
    "{int(seconds)",
    "items (",  # words of the audit as they are stored, and the catalogue's keys for them
    "no such user",
    "audit_object.{",
)
WHOLE = {" and ", " und ", " ({'; '.join(users)})"}


def sentences() -> Iterator[tuple[str, str]]:
    """Place and text of each sentence in the source, its blanks filled with samples."""
    for name in SPOKEN:
        path = ROOT / "edge" / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            tree = ast.parse(file.read_text("utf-8"))
            for node in spoken(tree):
                raw, text = template(node, file.stem)
                if raw.count(" ") >= 2 and raw not in WHOLE and not any(part in raw for part in NOT_SHOWN):
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", text


def spoken(tree: ast.Module) -> Iterator[ast.Constant | ast.JoinedStr]:
    """Texts that are no docstring, no part of another text and no line of the log."""
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            left_out.add(id(node.value))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("log.", "_log.")):
            left_out |= {id(one) for one in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.JoinedStr):
            left_out |= {id(one) for one in ast.walk(node)}
            yield node
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node


def template(node: ast.Constant | ast.JoinedStr, module: str) -> tuple[str, str]:
    """A text with the source's expressions in its blanks, and with samples in them."""
    if isinstance(node, ast.Constant):
        return str(node.value), str(node.value)
    raw, filled = "", ""
    for part in node.values:
        if isinstance(part, ast.Constant):
            raw, filled = raw + str(part.value), filled + str(part.value)
        elif isinstance(part, ast.FormattedValue):
            asked = ast.unparse(part.value)
            raw += f"{{{asked}}}"
            filled += SAMPLES.get(f"{module} {asked}", SAMPLES.get(asked, "Xy7"))
    return raw, filled


def test_every_sentence_of_the_source_is_known_in_german() -> None:
    unknown = [f"{place}: {text}" for place, text in sentences() if GERMAN.say(text) is None]
    assert not unknown, "\n".join(unknown)


def test_a_translation_has_the_blanks_of_its_sentence() -> None:
    def blanks(text: str) -> list[str]:
        return sorted(field for _, field, _, _ in string.Formatter().parse(text) if field)

    for own, text in KNOWN.items():
        assert blanks(own) == blanks(text), own


@pytest.mark.parametrize(
    ("said", "german"),
    [
        (
            "with noise at level 2, dark at level 1: not shown to help the eye",
            "bei Rauschen der Stufe 2, Dunkelheit der Stufe 1: Es ist nicht gezeigt, dass es dem Auge hilft",
        ),
        (
            "rtsp://a/: no such host; check the address. It is tried again every few seconds",
            "rtsp://a/: diesen Rechner gibt es nicht; die Adresse prüfen. Es wird alle paar Sekunden wieder versucht",
        ),
        ("1.2 frames/s are processed, 23.8 are dropped", "1,2 Bilder/s werden verarbeitet, 23,8 fallen weg"),
        (
            "connection failed (Connection refused); check that the camera is on, and its address",
            "keine Verbindung (Verbindung abgewiesen); prüfen, ob die Kamera an ist, und ihre Adresse",
        ),
    ],
)
def test_sentences_within_sentences_and_numbers(said: str, german: str) -> None:
    assert shown("de", said) == german


def test_what_is_not_known_stays_and_says_that_it_is_english() -> None:
    assert shown("de", "a <new> fault") == '<span lang="en">a &lt;new&gt; fault</span>'
    assert shown("en", "a <new> fault") == "a &lt;new&gt; fault"
    assert shown("de", "no such host; a <new> fault").startswith('<span lang="en">')
    assert GERMAN.say("noise, " * 1000) is None


def test_every_sentence_of_a_walk_is_known() -> None:
    def rows(light: str, known: str) -> list[object]:
        class Row:
            def __init__(self, metres: int, mark: str) -> None:
                self.light, self.metres = light, metres
                self.is_recognised, self.is_judged = mark == "x", mark != "s"

        return [Row(metres, mark) for metres, mark in enumerate(known, start=2)]

    walks = ("", "xxx", "xx.", "x", "x..", "...", "ss")
    for by_day, at_night in itertools.product(walks, walks):
        told = sentence([*rows("day", by_day), *rows("night", at_night)])  # type: ignore[arg-type, list-item]
        said = GERMAN.say(told)
        assert said is not None, told
        assert not {"the", "not", "recognise"} & set(said.lower().split()), said


def test_every_answer_of_a_sheet_is_known() -> None:
    """What the source gives to `why`, the last column of a commissioning sheet."""
    tree = ast.parse((ROOT / "edge/app/commission/findings.py").read_text("utf-8"))
    given = [one for one in ast.walk(tree) if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "why"]
    told = [template(one, "findings")[1] for one in spoken(ast.Module(list(given), []))]
    assert len(told) >= 4
    assert [text for text in told if text and GERMAN.say(text) is None] == []


def test_the_catalogue_is_read_from_the_package() -> None:
    assert (Path(FOLDER) / "de_sayings.toml").is_file()
    assert len(KNOWN) > 300


def test_what_is_given_up_and_why_is_said_in_german() -> None:
    told = set()
    for number in range(len(DEEPEST) + 1):
        for states in itertools.combinations(DEEPEST, number):
            order = LoweringOrder()
            for now_s in range(0, 100, 20):
                told.add(order.update(lambda subject, states=states: dict(states).get(subject, "ok"), now_s)[1])
            told.add(order.update(lambda subject: "ok", 101.0)[1])
    assert len(told) > 10
    assert [one for one in told if "lang" in shown("de", one)] == []
