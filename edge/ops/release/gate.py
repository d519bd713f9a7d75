"""Accepts a new release only after it stays up, processes frames, writes to its feed and can be pulled.

The gate asks over HTTP, as a central server does, and does not trust what the service reports of itself.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from edge.config import load
from edge.errors import ReleaseError
from edge.reach import is_encrypted, local_address

MIN_FRAMES = 10
HOLD_GOOD_FOR_S = 3.0
"""Seconds for which everything must stay good before the release is accepted."""
POLL_S = 1.0
MAX_RESTARTS = 3
"""Restarts after which the gate gives up at once."""


class Gate:
    """Polls one service until it has passed every check, or time is up."""

    def __init__(self, config: Path, unit: str, token: str, database: Callable[[], dict[str, Any]]) -> None:
        serve = load(config, environ={}).serve
        near = local_address(serve)
        host = f"[{near}]" if ":" in near else near
        self._address = f"http{'s' if is_encrypted(serve) else ''}://{host}:{serve.port}"
        self._needs_certificate = serve.client_ca is not None
        self._unit = unit
        self._token = token
        self._database = database
        # No certificate check: the connection is to this machine itself, whose certificate need not name `localhost`.
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE

    def wait_until_good(self, version: str, mark: dict[str, Any], wait_s: float) -> None:
        """Return once everything was shown and held; ReleaseError with what was missing when time is up."""
        deadline = time.monotonic() + wait_s
        missing = "nothing was seen"
        held: tuple[float, int] | None = None
        while time.monotonic() < deadline:
            found, frames = self._missing_proof(version, mark)
            missing = found or missing
            if found is not None:
                held = None
            elif held is None:
                held = (time.monotonic(), frames)
            elif time.monotonic() - held[0] >= HOLD_GOOD_FOR_S and frames > held[1]:
                return
            time.sleep(POLL_S)
        raise ReleaseError(f"within {wait_s:.0f} s {missing}")

    def _missing_proof(self, version: str, mark: dict[str, Any]) -> tuple[str | None, int]:
        """Return the first missing proof (None: all are there) and the number of frames processed."""
        state = self._unit_state()
        falls = int(state["NRestarts"] or 0)
        if falls >= MAX_RESTARTS:
            raise ReleaseError(f"the service crashed {falls} times; `journalctl --unit {self._unit}` says why")
        if state["ActiveState"] != "active":
            return f"the service did not come up (it is {state['ActiveState']}, result {state['Result']})", 0
        if falls:
            return f"the service crashed and was restarted {falls} times", 0
        if self._needs_certificate:
            # With `client_ca` the gate can't connect, having no client certificate; only the database shows progress.
            is_new = self._database()["seq"] > mark["seq"]
            return (None if is_new else "nothing new was written"), time.monotonic_ns()
        try:
            health = self._get("/api/v1/health", {})
            frames = int(health["box"]["frames"])
            if health["version"] != version:
                return f"release {health['version']} answers, not {version}", frames
            if frames < MIN_FRAMES:
                cameras = ", ".join(f"{one['camera']} is {one['state']}" for one in health["cameras"])
                return f"only {frames} frames passed all stages ({cameras})", frames
            after = {"after": mark["cursor"]} if mark.get("cursor") else {}
            page = self._get("/api/v1/alerts", {"limit": "100", **after})
        except (OSError, ValueError, KeyError) as error:
            return f"the service could not be asked: {error}", 0
        if not any(item["seq"] > mark["seq"] for item in page["items"]):
            return "nothing new was written and could be pulled", frames
        return None, frames

    def _unit_state(self) -> dict[str, str]:
        command = ["systemctl", "show", "--property", "ActiveState,NRestarts,Result", self._unit]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        values = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
        return {"ActiveState": "unknown", "NRestarts": "0", "Result": "unknown"} | values

    def _get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        """An answer as JSON."""
        url = f"{self._address}{path}" + (f"?{urlencode(query)}" if query else "")
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self._token}"})
        with urllib.request.urlopen(request, timeout=10, context=self._tls) as answer:
            return dict(json.load(answer))
