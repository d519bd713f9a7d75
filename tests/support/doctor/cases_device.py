"""Cases that break one thing of the box itself: configuration, models, disk, board."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.config import CameraConfig, Config, ReviewConfig, StoreConfig
from edge.ops import doctor
from edge.ops.doctor import Check, machine, models, settings
from edge.ops.doctor.disk import check_disk
from edge.ops.packs.choice import Choice, platform_facts, write_choice
from edge.ops.packs.soak import Minute, Soak, write_soak
from tests.support.doctor.cases import DEVICE, Case, config_of, flash_card, one, put
from tests.support.models.packs import pack_with, worn

# configuration


def misspelt(folder: Path) -> Check:
    put(folder / "edge.toml", "[serve]\nprot = 1\n")
    return doctor.examine(folder / "edge.toml").checks[0]


def unknown_status(folder: Path) -> Check:
    return settings.check_statuses(config_of(folder, review=ReviewConfig(urgent_for=("banned",))), ["band", "missing"])


def scores(folder: Path) -> Check:
    detect = Config().detect.model_copy(update={"keep_score": 0.9})
    return one(settings.check_settings(config_of(folder, detect=detect)), "detect scores")


def shots(folder: Path) -> Check:
    recognise = Config().recognise.model_copy(update={"min_shots": 40})
    return one(settings.check_settings(config_of(folder, recognise=recognise)), "recognise shots")


def lax(folder: Path) -> Check:
    recognise = Config().recognise.model_copy(update={"min_similarity": 0.1})
    return one(settings.check_settings(config_of(folder, recognise=recognise)), "recognise similarity")


# models


def no_pack(folder: Path) -> Check:
    return next(models.check_models(config_of(folder, models_dir=folder)))


def altered_model(folder: Path) -> Check:
    pack = pack_with(folder / "pack")
    manifest = json.loads((pack / "manifest.json").read_text("utf-8"))
    entry = next(entry for entry in manifest["models"] if entry["task"] == "detect")
    path = pack / entry["file"]
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    return one(models.check_models(config_of(folder, models_dir=pack)), f"model {entry['name']}")


def no_strangers(folder: Path) -> Check:
    return _changed_pack(folder, "strangers", lambda manifest: manifest.update(cohorts=[]))


def not_sealed(folder: Path) -> Check:
    return _changed_pack(folder, "recorded answers", lambda manifest: manifest.pop("golden"))


def no_benefit(folder: Path) -> Check:
    pack = pack_with(folder / "pack")
    (pack / "benefit.json").unlink()
    return one(models.check_models(config_of(folder, models_dir=pack)), "enhancement")


def altered_strangers(folder: Path) -> Check:
    return _changed_pack(folder, "model companions", lambda manifest: manifest["cohorts"][0].update(sha256="0" * 64))


def sealed_for_another(folder: Path) -> Check:
    pack = pack_with(folder / "pack", ("detect", "other", worn))
    path = pack / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    for entry in manifest["models"]:
        if entry["task"] == "detect":
            entry["default"] = entry["name"] == "other"
    path.write_text(json.dumps(manifest), "utf-8")
    return one(models.check_models(config_of(folder, models_dir=pack)), "recorded answers")


def _changed_pack(folder: Path, name: str, change: Callable[[dict[str, Any]], object]) -> Check:
    pack = pack_with(folder / "pack")
    path = pack / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), "utf-8")
    return one(models.check_models(config_of(folder, models_dir=pack)), name)


def stale_choice(folder: Path) -> Check:
    config = config_of(folder)
    facts = {**platform_facts(), "driver": "another"}
    write_choice(config.data_dir, Choice(at="", platform=facts, judged_by="", models=(), measured=()))
    return one(models.check_models(config), "provider and precision")


# disk


def no_room(folder: Path) -> Check:
    config = config_of(folder, store=StoreConfig(min_free_bytes=10**18))
    return one(check_disk(config, folder, folder), "data directory")


def soon_no_room(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    config = config_of(folder, store=StoreConfig(min_free_bytes=int(free / 2)))
    return one(check_disk(config, folder, folder), "data directory")


def not_a_folder(folder: Path) -> Check:
    put(folder / "data", "a file where the folder should be")
    return one(check_disk(config_of(folder), folder, folder), "data directory")


def worn_card(folder: Path) -> Check:
    flash_card(folder, life="0x02 0x0a")
    return one(check_disk(config_of(folder), folder / "sys", folder / "proc", DEVICE), "disk wear")


def card_near_its_end(folder: Path) -> Check:
    flash_card(folder, end="0x03")
    return one(check_disk(config_of(folder), folder / "sys", folder / "proc", DEVICE), "disk wear")


def aging_card(folder: Path) -> Check:
    flash_card(folder, life="0x08 0x01")
    return one(check_disk(config_of(folder), folder / "sys", folder / "proc", DEVICE), "disk wear")


def too_much_written(folder: Path) -> Check:
    flash_card(folder, written_gb=100, hours=48)
    return one(check_disk(config_of(folder), folder / "sys", folder / "proc", DEVICE), "disk writes")


# machine


def unsynced(_: Path) -> Check:
    return machine.check_clock({"synced": False, "error_bound_ms": None})


def hot(folder: Path) -> Check:
    put(folder / "thermal_zone0/temp", "91000\n")
    return machine.check_temperature(folder)


def under_voltage(folder: Path) -> Check:
    put(folder / "devices/platform/soc/soc:firmware/get_throttled", "50005\n")
    return machine.check_throttling(folder)


def was_throttled(folder: Path) -> Check:
    put(folder / "devices/platform/soc/soc:firmware/get_throttled", "40000\n")
    return machine.check_throttling(folder)


def cooled(folder: Path) -> Check:
    put(folder / "class/thermal/cooling_device0/cur_state", "3\n")
    put(folder / "class/thermal/cooling_device0/type", "cpufreq-cpu0\n")
    return machine.check_throttling(folder)


def capped(folder: Path) -> Check:
    put(folder / "devices/system/cpu/cpufreq/policy0/cpuinfo_max_freq", "1900000\n")
    put(folder / "devices/system/cpu/cpufreq/policy0/scaling_max_freq", "1100000\n")
    return machine.check_throttling(folder)


def counted(folder: Path) -> Check:
    put(folder / "devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "7\n")
    return machine.check_throttling(folder)


def slow_when_warm(folder: Path) -> Check:
    minutes = tuple(Minute(at_s=60.0 * (n + 1), rate=rate, temperature_c=80.0) for n, rate in enumerate((40.0, 20.0)))
    write_soak(folder, Soak(at="2026-03-01T00:00:00.000Z", platform=platform_facts(), models={}, minutes=minutes))
    return machine.check_soak(folder, platform_facts())


def two_numpys(folder: Path) -> Check:
    for place, version in (("venv", "2.4.6"), ("system", "1.24.2")):
        put(folder / place / f"numpy-{version}.dist-info/METADATA", f"Name: numpy\nVersion: {version}\n")
    found = machine.numpys([str(folder / "venv"), str(folder / "system")])
    assert [version for version, _ in found] == ["2.4.6", "1.24.2"]
    return machine.check_numpy(Config(), found)


def no_picamera(folder: Path) -> Check:
    config = config_of(folder, camera=(CameraConfig(name="door", source="picamera:0"),))
    return machine.check_numpy(config, [("2.4.6", "venv")])


def no_kernel_folder(folder: Path) -> Check:
    put(folder / "file", "")
    return machine.check_kernel_folder({"NUMBA_CACHE_DIR": str(folder / "file/x")}, folder, folder)


BOX: list[Case] = [
    (misspelt, "configuration", "fail", "correct the setting"),
    (unknown_status, "statuses in settings", "warn", "did you mean 'band'"),
    (scores, "detect scores", "warn", "keep_score below"),
    (shots, "recognise shots", "warn", "min_shots"),
    (lax, "recognise similarity", "warn", "edge watchlist calibrate"),
    (no_pack, "models", "fail", "restore the model folder"),
    (altered_model, "model detect_mosaic", "fail", "edge models verify"),
    (no_strangers, "strangers", "warn", "restore the whole pack"),
    (no_benefit, "enhancement", "warn", "--write-benefit"),
    (altered_strangers, "model companions", "fail", "restore the whole pack"),
    (not_sealed, "recorded answers", "warn", "tools.seal"),
    (sealed_for_another, "recorded answers", "warn", "restore the whole pack"),
    (stale_choice, "provider and precision", "warn", "edge probe"),
    (no_room, "data directory", "fail", "min_free_bytes"),
    (soon_no_room, "data directory", "warn", "max_image_bytes"),
    (not_a_folder, "data directory", "fail", "chown"),
    (worn_card, "disk wear", "fail", "replace the card"),
    (card_near_its_end, "disk wear", "fail", "replace the card"),
    (aging_card, "disk wear", "warn", "plan to replace"),
    (too_much_written, "disk writes", "warn", "find what writes"),
    (unsynced, "clock", "warn", "time service"),
    (hot, "temperature", "fail", "give it air"),
    (under_voltage, "throttling", "fail", "power supply"),
    (was_throttled, "throttling", "warn", "heat sink"),
    (cooled, "throttling", "fail", "air or shade"),
    (capped, "throttling", "warn", "nvpmodel"),
    (counted, "throttling", "warn", "air or shade"),
    (slow_when_warm, "rate when warm", "warn", "heat sink"),
    (two_numpys, "numpy", "fail", "same major version"),
    (no_picamera, "numpy", "fail", "apt install python3-picamera2"),
    (no_kernel_folder, "kernel cache folder", "fail", "NUMBA_CACHE_DIR"),
]
