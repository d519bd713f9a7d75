"""A reference puller of one box's feed: standard library only, to be read, copied and translated.

    python -m tools.central.puller https://box:8080 --token-file token --out alerts.jsonl [--cafile tls.crt]

What it shows: keep the cursor *after* what it brought is safe (so a crash brings some again), drop what comes again by
(epoch, seq), send `If-None-Match`, back off as told, and on 410 write down what is lost before going on from `oldest`.
A tombstone (`alert.erased`) takes the hit out of what was kept before.
"""

from __future__ import annotations

import argparse
import datetime as dt
import email.utils
import json
import os
import random
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LONGEST_BACKOFF_S = 60.0


class ItemLog:
    """Items as JSON lines, each once, and the cursor in a file beside them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state_path = path.with_suffix(".state")
        self.state: dict[str, Any] = {"cursor": None, "epoch": None, "seq": 0}
        if self.state_path.exists():
            self.state = json.loads(self.state_path.read_text("utf-8"))
        self._recover()

    def _recover(self) -> None:
        """After a crash: drop a torn last line, and take over items written after the cursor was saved."""
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            _write(self.path, whole)
        last = next((json.loads(line) for line in reversed(whole.splitlines()) if b'"lost"' not in line[:9]), None)
        if last is not None and (last["epoch"] != self.state["epoch"] or last["seq"] > self.state["seq"]):
            # The cursor stays where it is; what it brings again is dropped by its number.
            self.state |= {"epoch": last["epoch"], "seq": last["seq"]}

    def add(self, epoch: str, items: list[dict[str, Any]]) -> int:
        """Keep what is new of `items`, durably; returns how many."""
        known = self.state["seq"] if self.state["epoch"] == epoch else 0
        fresh = [item for item in items if item["seq"] > known]
        erased = {item["hit_id"] for item in fresh if item["type"] == "alert.erased"}
        if erased:
            self._erase(erased)
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps({"epoch": epoch, **item}, ensure_ascii=False) + "\n" for item in fresh)
            file.flush()
            os.fsync(file.fileno())
        if fresh:
            self.state |= {"epoch": epoch, "seq": fresh[-1]["seq"]}
        return len(fresh)

    def note_loss(self, problem: dict[str, Any]) -> None:
        """Write down that the feed could not be followed, and go on from the oldest item there is."""
        line = {
            "lost": problem["lost"],
            "is_least": problem.get("lost_is_least", False),
            "span": problem["span"],
            "after": self.state["seq"],
            "was": self.state["epoch"],
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.keep_cursor(problem["oldest"])

    def keep_cursor(self, cursor: str) -> None:
        """Remember how far we are; only after `add` has returned."""
        self.state["cursor"] = cursor
        _write(self.state_path, json.dumps(self.state).encode())

    def _erase(self, hit_ids: set[str]) -> None:
        if self.path.exists():
            lines = self.path.read_text("utf-8").splitlines(keepends=True)
            _write(self.path, "".join(li for li in lines if json.loads(li).get("hit_id") not in hit_ids).encode())


def seconds_of(retry_after: str | None, now: dt.datetime | None = None) -> float | None:
    """Seconds that a `Retry-After` asks for, in either form of RFC 9110 (seconds or a date); None where it is none."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)
    return max(0.0, (at - (now or dt.datetime.now(dt.UTC))).total_seconds())


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


class Puller:
    """Follows one box."""

    def __init__(self, url: str, token: str, items: ItemLog, cafile: str | None = None, wait_s: int = 30) -> None:
        self._url = url.rstrip("/") + "/api/v1/alerts"
        self._token = token
        self._items = items
        self._wait_s = wait_s
        self._etag: str | None = None
        self._failures = 0
        self._tls = ssl.create_default_context(cafile=cafile) if url.startswith("https") else None

    def steps(self) -> Iterator[tuple[str, float]]:
        """Yield the result of each pull, and the seconds to wait before the next."""
        while True:
            try:
                yield self._pull()
                self._failures = 0
            except urllib.error.HTTPError as error:
                yield self._refused(error)
            except (OSError, ValueError, KeyError) as error:  # away, cut off in mid-answer, or not a box at all
                yield f"failed: {error}", self._back_off(None)

    def _pull(self) -> tuple[str, float]:
        query = {"limit": "500", "wait": str(self._wait_s)}
        if self._items.state["cursor"]:
            query["after"] = self._items.state["cursor"]
        headers = {"Authorization": f"Bearer {self._token}"}
        if self._etag:
            headers["If-None-Match"] = self._etag
        request = urllib.request.Request(f"{self._url}?{urllib.parse.urlencode(query)}", headers=headers)
        with urllib.request.urlopen(request, timeout=self._wait_s + 15, context=self._tls) as answer:
            page = json.load(answer)
            etag = answer.headers.get("ETag")
        fresh = self._items.add(page["epoch"], page["items"])
        self._items.keep_cursor(page["next"])
        # The tag belongs to the address just asked; it would never match with another cursor.
        self._etag = etag if page["next"] == query.get("after") else None
        return f"{fresh} new of {len(page['items'])}", 0.0 if page["more"] or self._wait_s else 5.0

    def _refused(self, error: urllib.error.HTTPError) -> tuple[str, float]:
        if error.code == 304:
            self._failures = 0
            return "nothing new", 0.0 if self._wait_s else 5.0
        if error.code == 410:
            problem = json.load(error)
            self._items.note_loss(problem)
            self._etag = None
            least = "at least " if problem.get("lost_is_least") else ""
            return f"lost {least}{problem['lost']} items between {problem['span']}", 0.0
        if error.code in (400, 401, 403):  # waiting will not help: somebody has to look
            raise SystemExit(f"{error.code}: {error.read().decode(errors='replace')}")
        return f"refused: {error.code}", self._back_off(error.headers.get("Retry-After"))

    def _back_off(self, retry_after: str | None) -> float:
        """Seconds to wait: Retry-After if given, else doubling; with jitter, so that no fleet comes back at once."""
        self._failures += 1
        told_s = seconds_of(retry_after)
        if told_s is not None:  # never sooner than told
            return told_s * random.uniform(1.0, 1.25)
        return min(LONGEST_BACKOFF_S, 0.5 * 2.0 ** min(self._failures, 10)) * random.uniform(0.5, 1.0)


def main() -> None:
    """Pull until stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--token-file", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cafile", help="certificate to trust, such as the box's own tls.crt")
    given = parser.parse_args()
    puller = Puller(given.url, given.token_file.read_text().strip(), ItemLog(given.out), given.cafile)
    for line, pause_s in puller.steps():
        print(line, flush=True)
        time.sleep(pause_s)


if __name__ == "__main__":
    main()
