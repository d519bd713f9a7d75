"""A stage that got slower is named, with what it took before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge.app.evaluation.bench_compare import busy_run, other_machine, read_figures, slower_stages
from edge.app.evaluation.timing import Timings, spread, timings_of, waited_ratio
from edge.errors import ImageError
from edge.ops.system.processor import Joules, processor, watts


def figures(detect: float, embed: float, name: str = "A", sha256: str = "1") -> dict[str, Any]:
    stages = {what: {"p50_ms": ms} for what, ms in (("detect", detect), ("embed one face", embed))}
    return {"stages": stages, "processor": {"name": name}, "models": {"detect": {"sha256": sha256}}}


def test_a_stage_that_takes_more_than_a_tenth_more_is_told() -> None:
    assert slower_stages(figures(10.9, 2.0), figures(10.0, 2.0)) == []
    assert slower_stages(figures(5.0, 1.0), figures(10.0, 2.0)) == []
    (told,) = slower_stages(figures(10.0, 2.5), figures(10.0, 2.0))
    assert told.startswith("embed one face: 2.50 ms, 25 % more")
    gone = figures(10.0, 2.0)
    del gone["stages"]["detect"]
    assert slower_stages(gone, figures(10.0, 2.0)) == ["detect: was not measured this time"]


def test_a_busy_machine_counts_against_no_stage() -> None:
    """By the clock twice as long, and of the processor as much of the peer's time as before."""
    before, now = figures(10.0, 2.0), figures(20.0, 4.0)
    for one, ratios in ((before, (3.0, 1.0)), (now, (3.2, 1.2))):
        for stage, ratio in zip(one["stages"].values(), ratios, strict=True):
            stage["peer_ratio"] = ratio
    (told,) = slower_stages(now, before)
    assert told == "embed one face: 1.20 times the peer, 20 % more than 1.00 times the peer"
    del before["stages"]["detect"]["peer_ratio"]
    assert slower_stages(now, before)[0].startswith("detect: 20.00 ms, 100 % more")


def test_a_call_is_timed_beside_the_peer() -> None:
    calls: list[int] = []
    found = timings_of(lambda: calls.append(1), 5)
    assert (len(calls), len(found.wall), len(found.cpu), len(found.peer)) == (8, 5, 5, 5)
    spread_out = found.spread()
    assert spread_out.keys() == {"p50_ms", "p95_ms", "p99_ms", "cpu_ms", "peer_ratio"}
    assert all(value >= 0 for value in spread_out.values())


def test_a_busy_machine_is_named_in_either_run() -> None:
    idle = {"waited_ratio": 1.02}
    assert busy_run(idle, "during this run") is None
    assert busy_run({}, "during this run") is None, "a file of an earlier release"
    told = busy_run({"waited_ratio": 2.34}, "during this run")
    assert told is not None
    assert told.startswith("during this run the machine was busy with other work, which made everything 2.3 times")


def test_waiting_for_a_processor_is_seen_in_the_peer() -> None:
    one, other = Timings(peer=[2.0, 2.0], peer_wall=[2.0, 2.2]), Timings(peer=[2.0], peer_wall=[6.0])
    assert waited_ratio([one]) == pytest.approx(1.05)
    assert waited_ratio([one, other]) == pytest.approx(1.7)
    assert waited_ratio([timings_of(lambda: None, 3)]) > 0


def test_another_machine_or_model_is_named() -> None:
    assert other_machine(figures(1, 1), figures(1, 1)) is None
    assert "measured on B" in str(other_machine(figures(1, 1), figures(1, 1, name="B")))
    assert "models" in str(other_machine(figures(1, 1), figures(1, 1, sha256="2")))


def test_a_file_that_holds_no_figures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    path.write_text(json.dumps(figures(10.0, 2.0)), "utf-8")
    assert read_figures(path) == figures(10.0, 2.0)
    for text in ("", "[]", '{"stages": {"detect": {}}}', '{"stages": {"detect": {"p50_ms": 0}}}'):
        path.write_text(text, "utf-8")
        with pytest.raises(ImageError, match=r"before\.json"):
            read_figures(path)


def test_percentiles_are_in_order() -> None:
    assert spread([float(n) for n in range(101)]) == {"p50_ms": 50.0, "p95_ms": 95.0, "p99_ms": 99.0}


def test_processor_and_power_are_read_as_the_kernel_writes_them(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(
        "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu avx2 avx512_vnni\n\nmodel name\t: Other\n", "ascii"
    )
    assert processor(info) == {"name": "Some CPU", "features": ["avx2", "avx512_vnni"]}
    info.write_text("processor\t: 0\nFeatures\t: fp asimd asimddp\n\nModel\t\t: Some board\n", "ascii")
    assert processor(info) == {"name": "Some board", "features": ["asimd", "asimddp"]}
    assert watts(tmp_path) is None
    (tmp_path / "hwmon0").mkdir()
    (tmp_path / "hwmon0" / "power1_input").write_text("4500000\n", "ascii")
    assert watts(tmp_path) == 4.5
    rail = tmp_path / "hwmon1"
    rail.mkdir()
    (rail / "in1_input").write_text("5000\n", "ascii")
    (rail / "curr1_input").write_text("1200\n", "ascii")
    assert watts(tmp_path) == pytest.approx(10.5), "and a rail of 5 V with 1.2 A"


def test_power_of_a_package_follows_from_its_counter(tmp_path: Path) -> None:
    for name, used in (("intel-rapl:0", 1_000_000), ("intel-rapl:0:0", 900_000)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "energy_uj").write_text(f"{used}\n", "ascii")
    times = iter([10.0, 12.0, 14.0])
    joules = Joules(tmp_path, lambda: next(times))
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("31000000\n", "ascii")
    assert joules.watts() == 15.0
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("5\n", "ascii")
    assert joules.watts() is None, "the counter began anew"
    assert Joules(tmp_path / "none").watts() is None
