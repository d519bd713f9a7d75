"""What `edge probe` chose for this device: which file of each task runs on which provider, and why.

A choice holds for one machine, driver, onnxruntime and model pack. When one of them changes the choice is stale, which
is logged. A chosen GPU stays required even then: a device must not slow down silently.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from edge.config import Config, DetectConfig, RecogniseConfig, RuntimeConfig
from edge.ops.packs import measurements
from edge.sessions import Pack, available_providers, runtime_version
from edge.sessions.engines import DRIVERS
from edge.strict import Strict

FILE = "probe.json"


class Measured(Strict):
    """One file on one provider: its time, its accuracy, and the reason against it, if any."""

    task: str
    model: str
    file: str
    sha256: str
    precision: str
    provider: str
    ms: float | None
    accuracy: float | None
    """Lowest cosine to the expected answers, or share of their boxes; None if it could not run."""
    refused: str | None


class Chosen(Strict):
    """What one task runs on."""

    task: str
    model: str
    sha256: str
    precision: str
    provider: str
    ms: float
    why: str


class Choice(Strict):
    """The result of one probe."""

    version: int = 1
    at: str
    platform: dict[str, str]
    judged_by: str
    models: tuple[Chosen, ...]
    measured: tuple[Measured, ...]
    notes: tuple[str, ...] = ()

    def of(self, task: str) -> Chosen | None:
        """What was chosen for a task."""
        return next((one for one in self.models if one.task == task), None)


def platform_facts(drivers: tuple[Path, ...] = DRIVERS, cpu: Path = Path("/proc/cpuinfo")) -> dict[str, str]:
    """Return what a choice depends on apart from the model files."""
    driver = next((_first_line(path) for path in drivers if path.is_file()), "none")
    names = [line.partition(":")[2].strip() for line in _lines(cpu) if line.startswith(("model name", "Model"))]
    return {
        "machine": f"{platform.machine()} {names[0] if names else ''}".strip(),
        "driver": driver,
        "onnxruntime": runtime_version(),
        "providers": ", ".join(available_providers()),
    }


def read_choice(data_dir: Path) -> Choice | None:
    """Return the choice of this device; None if `edge probe` never ran, ConfigError if the file is damaged."""
    return measurements.read(data_dir / FILE, Choice, "edge probe")


def write_choice(data_dir: Path, choice: Choice) -> Path:
    """Put the choice in force from the next start on; raises StoreError."""
    return measurements.write(data_dir / FILE, choice)


def why_stale(choice: Choice, pack: Pack, facts: dict[str, str]) -> list[str]:
    """Say what has changed since; empty while the choice holds."""
    there = {(entry.task, entry.sha256) for entry in pack.manifest.models}
    changed = [f"the {one.task} model" for one in choice.models if (one.task, one.sha256) not in there]
    return changed + [name for name, value in facts.items() if choice.platform.get(name) != value]


def apply_choice(config: Config, pack: Pack, choice: Choice | None) -> tuple[Config, dict[str, RuntimeConfig]]:
    """The configuration with the chosen files where it says `default`, and the provider per task where it says `auto`.

    What the configuration names itself always wins. A file that is not in the pack any more is not asked for.
    """
    runtimes: dict[str, RuntimeConfig] = {}
    if choice is None:
        return config, runtimes
    names = {(str(entry.task), entry.name): entry.sha256 for entry in pack.manifest.models}
    changes: dict[str, Any] = {}
    sections: dict[str, tuple[str, DetectConfig | RecogniseConfig]] = {
        "detect": ("detect", config.detect),
        "embed": ("recognise", config.recognise),
    }
    for one in choice.models:
        if config.runtime.provider == "auto":
            runtimes[one.task] = config.runtime.model_copy(update={"provider": one.provider})
        key, section = sections.get(one.task, ("", None))
        if section is not None and section.model == "default" and names.get((one.task, one.model)) == one.sha256:
            changes[key] = section.model_copy(update={"model": one.model})
    return config.model_copy(update=changes), runtimes


def _first_line(path: Path) -> str:
    return next(iter(_lines(path)), "")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
