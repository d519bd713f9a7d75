"""The tools for central servers: the reference puller through crashes on both sides, the conformance test, a fleet."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edge.store import Store
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.serve.central import served
from tests.support.store import ANN, add_hits, enrol, hit_of
from tools.central import conformance
from tools.central.puller import ItemLog, Puller, seconds_of

NUM_KILLS = 20


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def pull_all(url: str, token: str, out: Path) -> list[str]:
    """Pull until there is nothing new; what was told."""
    told = []
    for text, _ in Puller(url, token, ItemLog(out), wait_s=0).steps():
        told.append(text)
        if text == "nothing new" or text.startswith("0 new of 0"):
            return told
    return told


def test_the_puller_is_as_short_as_promised_and_uses_the_standard_library_only() -> None:
    source = (ROOT / "tools" / "central" / "puller.py").read_text()
    assert source.count("\n") < 200
    code = "import sys; before = set(sys.modules); import tools.central.puller; print(*(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    others = {name.partition(".")[0] for name in loaded.split()} - {"tools"} - set(sys.stdlib_module_names)
    assert not others


def test_retry_after_is_read_in_both_forms() -> None:
    now = dt.datetime(2026, 3, 1, 12, 0, 0, tzinfo=dt.UTC)
    assert seconds_of("7") == 7
    assert seconds_of("Sun, 01 Mar 2026 12:01:30 GMT", now) == 90
    assert seconds_of("Sun, 01 Mar 2026 11:00:00 GMT", now) == 0, "a time that is over"
    assert [seconds_of(text) for text in (None, "", "soon", "-5", "1.5")] == [None] * 5


def test_the_puller_waits_as_long_as_it_is_told(tmp_path: Path) -> None:
    """Never sooner, whatever it has tried before; without a word, longer each time."""
    answers = iter([(429, "9"), (429, "9"), (503, "600"), (503, None), (503, None), (429, None)])

    class Busy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, retry_after = next(answers)
            self.send_response(status)
            if retry_after is not None:
                self.send_header("Retry-After", retry_after)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Busy) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        steps = Puller(url, "token", ItemLog(tmp_path / "out.jsonl"), wait_s=0).steps()
        waits = [pause_s for _, (_, pause_s) in zip(range(6), steps, strict=False)]
        server.shutdown()
        thread.join()
    assert all(9 <= pause_s <= 12 for pause_s in waits[:2])
    assert 600 <= waits[2] <= 750
    assert all(1 < pause_s <= 60 for pause_s in waits[3:])


@pytest.mark.timeout(900)
def test_twenty_kills_of_the_box_and_crashes_of_the_puller_lose_and_double_nothing(tmp_path: Path) -> None:
    data, out, port = tmp_path / "data", tmp_path / "alerts.jsonl", free_port()
    with Store.open(data) as store:
        token = store.add_token("central", ["alerts:read", "health:read", "watchlist:read"]).result(60)
    done, crashes = threading.Event(), []

    def pull() -> None:
        while not done.is_set():
            for number, (_, pause_s) in enumerate(
                Puller(f"http://127.0.0.1:{port}", token, ItemLog(out), wait_s=1).steps()
            ):
                if done.is_set():
                    return
                if number and number % 7 == 0:
                    crashes.append(number)  # forgets all it had in memory; its last pull may not have been noted
                    keeper = ItemLog(out)
                    keeper.state_path.write_text(json.dumps(keeper.state | {"cursor": old_cursor[0]}))
                    break
                old_cursor[0] = ItemLog(out).state["cursor"]
                time.sleep(min(pause_s, 0.2))

    old_cursor: list[object] = [None]
    acknowledged: set[int] = set()
    thread = threading.Thread(target=pull)
    thread.start()
    try:
        for number in range(NUM_KILLS + 1):
            command = [sys.executable, "-m", "tests.support.serve.central", str(data), str(port)]
            box = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            assert box.stdout is not None
            assert box.stdout.readline().strip() == "ready"
            for _ in range(10 + number % 4):
                acknowledged.add(int(box.stdout.readline().split()[0]))
            if number == NUM_KILLS:
                results = conformance.run(conformance.Appliance(f"http://127.0.0.1:{port}", token))
            box.send_signal(signal.SIGKILL)
            rest = box.stdout.read().splitlines()
            acknowledged |= {int(line.split()[0]) for line in rest if len(line.split()) == 2}
            box.wait()
    finally:
        done.set()
        thread.join(60)
    assert not [result for result in results if result[1] != "PASS"]
    with Store.open(data) as store, served(store) as (url,):
        told = pull_all(url, token, out)
        assert not [text for text in told if "lost" in text]
        kept = {item.seq for item in store.feed(None, 100_000).items}
    got = [line["seq"] for line in lines(out)]
    assert got == sorted(kept), "each item once, in order, none missing"
    assert acknowledged <= kept
    assert crashes


def test_a_loss_is_written_down_and_a_tombstone_takes_the_hit_away(tmp_path: Path) -> None:
    out = tmp_path / "alerts.jsonl"
    with Store.open(tmp_path / "data") as store:
        enrol(store, ANN)
        token = store.add_token("central", ["alerts:read"]).result(60)
        add_hits(store, ANN, range(1, 6))
        with served(store) as (url,):
            pull_all(url, token, out)
            assert [line["type"] for line in lines(out)] == ["alert.created"] * 5
            store.forget_person(ANN.person_id).result(60)
            pull_all(url, token, out)
            assert {line["type"] for line in lines(out)} == {"alert.erased"}
            assert ANN.name not in out.read_text()
    former = lines(out)
    with Store.open(tmp_path / "other") as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(1, 4))
        token = store.add_token("central", ["alerts:read"]).result(60)
        with served(store) as (url,):
            told = pull_all(url, token, out)
    assert [text for text in told if text.startswith("lost")]
    after = lines(out)[len(former) :]
    assert after[0]["is_least"], "how much the former one had told is not known"
    assert [line.get("seq") for line in after[1:]] == [1, 2, 3]


def test_a_torn_line_is_mended(tmp_path: Path) -> None:
    out = tmp_path / "alerts.jsonl"
    keeper = ItemLog(out)
    items = [{"seq": n, "at": "x", "type": "heartbeat"} for n in range(1, 4)]
    assert keeper.add("e1", items) == 3
    with out.open("a") as file:
        file.write('{"epoch": "e1", "se')
    again = ItemLog(out)
    assert again.add("e1", [*items, {"seq": 4, "at": "x", "type": "heartbeat"}]) == 1
    assert [line["seq"] for line in lines(out)] == [1, 2, 3, 4]


def test_conformance_finds_a_box_that_breaks_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken feed must not pass: each fault put into a real box is found by the check it belongs to."""
    from edge.serve.api import feed

    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(1, 30))
        token = store.add_token("central", ["alerts:read"]).result(60)
        with served(store) as (url,):
            box = conformance.Appliance(url, token)
            verdicts = {name: verdict for name, verdict, _ in conformance.run(box)}
            assert set(verdicts.values()) == {"PASS"}, verdicts
            original = feed._selected_fields

            def with_a_hole(item: object, fields: object) -> dict[str, object]:
                made = original(item, fields)  # type: ignore[arg-type]
                return made | {"seq": made["seq"] + (made["seq"] > 9)}

            with monkeypatch.context() as patch:
                patch.setattr(feed, "_selected_fields", with_a_hole)
                failed = {name for name, verdict, _ in conformance.run(box) if verdict == "FAIL"}
            assert "items are in order and none twice" in failed
            with monkeypatch.context() as patch:
                patch.setattr(feed.PullRequest, "etag", lambda self, store: f'"{time.monotonic_ns()}"')
                failed = {name for name, verdict, _ in conformance.run(box) if verdict == "FAIL"}
            assert failed == {"no news is 304"}


def test_five_boxes_into_one_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dlt = pytest.importorskip("dlt", reason="needs dlt, one of the dev packages")
    pytest.importorskip("duckdb", reason="needs duckdb, one of the dev packages")
    from tools.central import fleet

    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    stores = [Store.open(tmp_path / f"box{number}") for number in range(5)]
    try:
        tokens = []
        for number, store in enumerate(stores):
            enrol(store, ANN)
            add_hits(store, ANN, range(1, 4 + number))
            tokens.append(store.add_token("central", ["alerts:read"]).result(60))
        with served(*stores) as urls:
            boxes = [
                fleet.BoxAddress(f"b{number}", url, token)
                for number, (url, token) in enumerate(zip(urls, tokens, strict=True))
            ]
            boxes.append(fleet.BoxAddress("away", f"http://127.0.0.1:{free_port()}", "none"))
            place = dlt.destinations.duckdb(str(tmp_path / "fleet.duckdb"))
            pipeline = dlt.pipeline(
                "fleet", destination=place, dataset_name="boxes", pipelines_dir=str(tmp_path / "dlt")
            )
            assert list(fleet.load(boxes, pipeline)) == ["away"]

            def count(table: str = "items") -> list[tuple[object, ...]]:
                with pipeline.sql_client() as client:
                    return client.execute_sql(f"SELECT box, count(*) FROM {table} GROUP BY box ORDER BY box")

            assert count() == [(f"b{number}", 3 + number) for number in range(5)]
            add_hits(stores[1], ANN, [50, 51])
            stores[2].update_hit(*hit_of(ANN, 100, hit_id="019000000001")).result(60)
            fleet.load(boxes, pipeline)
            fleet.load(boxes, pipeline)
            assert count() == [("b0", 3), ("b1", 6), ("b2", 6), ("b3", 6), ("b4", 7)]
            with pipeline.sql_client() as client:
                keys = client.execute_sql("SELECT box_id, epoch, seq FROM items")
            assert len(set(keys)) == len(keys) == 28
            assert {key[0] for key in keys} == {store.box_id for store in stores}
            stores[3].forget_person(ANN.person_id).result(60)
            fleet.load(boxes, pipeline)
            with pipeline.sql_client() as client:
                left = client.execute_sql("SELECT DISTINCT type FROM items WHERE box = 'b3'")
            assert left == [("alert.erased",)], "an erased person is erased here, too"
        stores[0].close()
        stores[0] = Store.open(tmp_path / "replaced")
        enrol(stores[0], ANN)
        add_hits(stores[0], ANN, [1])
        token = stores[0].add_token("central", ["alerts:read"]).result(60)
        with served(stores[0]) as (url,):
            fleet.load([fleet.BoxAddress("b0", url, token)], pipeline)
        assert count()[0] == ("b0", 4), "the replaced box's item is one more, under its new epoch"
        assert count("losses") == [("b0", 1)]
    finally:
        for store in stores:
            store.close()
