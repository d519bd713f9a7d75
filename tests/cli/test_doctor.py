"""`edge doctor` says what is wrong and how to mend it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.appliance import Appliance


def test_doctor_says_what_is_wrong(tmp_path: Path, demo_clip: Path) -> None:
    box = Appliance(tmp_path, camera=demo_clip)
    done = box.edge("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 0, done.stdout
    assert checks["camera door"]["status"] == "pass"
    assert checks["users"]["fix"].startswith("edge user add")
    broken = Appliance(tmp_path, camera=tmp_path / "none.avi")
    done = broken.edge("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert checks["camera door"]["status"] == "fail"
    assert all(check["fix"] for check in checks.values() if check["status"] != "pass")
