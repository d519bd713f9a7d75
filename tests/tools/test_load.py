"""The measuring tools of the web side do run; what they find is no matter of a test."""

from __future__ import annotations

import shutil
from xml.etree import ElementTree

import pytest

from tools.load import polls
from tools.load.night import WIDTH, Second, figures, svg


def test_polls_without_news_are_counted_beside_a_trivial_handler() -> None:
    for needed in ("wrk", "taskset"):
        if shutil.which(needed) is None:
            pytest.skip(f"needs {needed} (apt)")
    found = polls.measure(seconds=1, rounds=1, connections=4)
    assert set(found) >= {"polls_per_s", "trivial_per_s", "ratio", "ratio_per_core_s"}
    assert all(isinstance(value, int | float) and value > 0 for value in found.values()), found


def test_the_curve_of_a_night_is_drawn_to_scale() -> None:
    steps = [Second(float(at), 40.0 if at == 30 else 10.0, 6.0, 30.0, 2.0) for at in range(1, 121)]
    root = ElementTree.fromstring(svg(steps, "a <processor>"))
    lines = [node for node in root.iter() if node.tag.endswith("polyline")]
    assert len(lines) == 3
    points = [tuple(map(float, pair.split(","))) for pair in lines[0].attrib["points"].split()]
    assert len(points) == 120
    assert points[29][1] == min(y for _, y in points), "the peak is where it was"
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert {"0 min", "1 min", "2 min"} <= {node.text for node in root.iter()}
    last = next(node for node in root.iter() if node.text == "2 min")
    assert last.attrib["text-anchor"] == "end", "the last minute is not cut off"
    assert float(last.attrib["x"]) < WIDTH


def test_the_figures_of_a_night_are_means_and_shares_of_both_processes() -> None:
    steps = [Second(float(at), float(at), 5.0, 30.0, 2.0) for at in range(1, 101)]
    told = figures(steps)
    assert told["steps"] == 100
    assert told["mean"] == {"service": 50.5, "capture": 5.0, "searched": 2.0, "frames": 30.0, "both": 55.5}
    assert told["p95"]["both"] == pytest.approx(100.05)
    assert told["most"]["service"] == 100.0
