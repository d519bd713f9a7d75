"""Checks the configuration: shows values that differ from the defaults, and finds likely mistakes."""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Iterator, Sequence

from edge.capture.address import parse_source
from edge.config import CameraConfig, Config, DetectConfig, Origins, drawn
from edge.errors import ConfigError
from edge.names import same_spelling
from edge.ops.doctor.check import Check, failed, passed, warned
from edge.ops.effective import defaults, effective

MIN_BUSY_FPS = 5.0
"""Searches a second below which somebody who walks by gives too few shots for a sure answer."""
MIN_IDLE_FPS = 0.5
"""Searches a second below which somebody who comes without a change that is noticed waits for long."""
MIN_RECOGNISED_SHARE = 0.03
"""Share of a picture below which its zones and masks were hardly meant so."""
_PLACES = 40

UNSET_ZONES = ("UTC", "GMT", "UCT")
"""Zones that a system has where nobody has set one."""


def check_settings(config: Config, origins: Origins | None = None) -> list[Check]:
    """Report settings that differ from the defaults, and values that contradict each other.

    Fails where nobody has configured anything: a box on defaults alone watches nothing.
    """
    name = "configuration"
    if origins is not None and not origins.is_there and not origins.in_environment:
        fix = "run `edge setup`, or name the file with --config or EDGE_CONFIG"
        return [failed(name, f"there is none: {origins.path} does not exist", fix)]
    values, usual = effective(config), defaults(config)
    changed = [f"{key} = {value}" for key, value in values.items() if key not in usual or usual[key] != value]
    cameras = "1 camera" if len(config.camera) == 1 else f"{len(config.camera)} cameras"
    where = f"{origins.path}: " if origins is not None and origins.is_there else ""
    found = f"{where}{cameras}, data in {config.data_dir}; differs from the defaults: "
    return [passed(name, found + (", ".join(changed) or "nothing")), *_addresses(config), *contradictions(config)]


def _addresses(config: Config) -> Iterator[Check]:
    """Fail for each camera whose address can't be used: with it the service does not start."""
    for camera in config.camera:
        try:
            parse_source(camera)
        except ConfigError as error:
            yield failed(f"source of {camera.name}", str(error), "correct [[camera]] source; until then nothing starts")


def check_statuses(config: Config, statuses: Sequence[str]) -> Check:
    """Check that every status named in a setting is used on the list, whose own are `statuses`."""
    named = sorted({*config.review.second_person_for, *config.review.urgent_for, *config.status})
    listed = {same_spelling(status) for status in statuses}
    unknown = [status for status in named if same_spelling(status) not in listed]
    if not named or not statuses:
        return passed("statuses in settings", ", ".join(named) or "none is named")
    if not unknown:
        return passed("statuses in settings", ", ".join(named))
    near = difflib.get_close_matches(unknown[0], statuses, n=1, cutoff=0.0)
    fix = f"correct [status] or [review] (did you mean {near[0]!r}?), or enrol somebody with it"
    return warned("statuses in settings", f"nobody on the list is {unknown[0]!r}", fix)


def contradictions(config: Config) -> Iterator[Check]:
    """Warn of values that are allowed one by one, and can't work together."""
    if config.detect.keep_score > config.detect.min_score:
        found = f"keep_score {config.detect.keep_score} is over min_score {config.detect.min_score}"
        yield warned("detect scores", found, "set [detect] keep_score below min_score, or tracks break up early")
    yield from _rates(config.detect)
    if config.recognise.min_shots > config.recognise.max_shots:
        found = f"min_shots {config.recognise.min_shots} is over max_shots {config.recognise.max_shots}"
        yield warned(
            "recognise shots", found, "set [recognise] min_shots to max_shots at most, or nobody is recognised"
        )
    if config.recognise.min_similarity < 0.3:
        found = f"min_similarity {config.recognise.min_similarity}: strangers will match"
        yield warned(
            "recognise similarity", found, "raise [recognise] min_similarity, or run `edge watchlist calibrate`"
        )
    if too_high := [f"{key} {value:g}" for key, value, most in _hard_limits(config) if value > most]:
        found = f"{', '.join(too_high)}: hardly anybody is recognised"
        yield warned("limits", found, "leave these settings out, or run `edge watchlist calibrate`")
    if not config.data_dir.is_absolute():
        found = f"data_dir {str(config.data_dir)!r} is another folder wherever a command is started elsewhere"
        yield warned("data_dir", found, f"write the whole path, such as {config.data_dir.absolute()}")
    yield from _places(config)
    scheduled = [camera.name for camera in config.camera if camera.schedule]
    if scheduled and not config.site.time_zone and time.tzname[0] in UNSET_ZONES:
        found = f"the hours of {', '.join(scheduled)} are those of the system's time zone, and that is {time.tzname[0]}"
        yield warned("schedule", found, "set [site] time_zone to that of the place, such as Europe/Berlin")
    if fixed := re.fullmatch(r"Etc/GMT([+-])0*([1-9]\d*)", config.site.time_zone):
        # POSIX counts west as positive: who means two hours ahead of UTC writes +2 and gets two hours behind it.
        way = "behind" if fixed[1] == "+" else "ahead of"
        found = f"{fixed[0]} is {fixed[2]} h {way} UTC all year, without summer time"
        yield warned("time zone", found, "set [site] time_zone to a place, such as Europe/Berlin")
    if names := sorted(drawn.left_over(config)):
        found = f"{drawn.FILE} holds zones or masks for {names[0]!r}, and no [[camera]] has that name: none is in force"
        fix = f"if the camera was renamed, rename its tables in {config.data_dir / drawn.FILE}, too; else remove them"
        yield warned("drawn zones and masks", found, fix)


def _hard_limits(config: Config) -> Iterator[tuple[str, float, float]]:
    """Each limit that a face has to reach: its name, its value, and from where on hardly any does."""
    yield "recognise.min_similarity", config.recognise.min_similarity, 0.85
    yield "recognise.min_margin", config.recognise.min_margin, 0.5
    yield "recognise.min_quality", config.recognise.min_quality, 90.0
    yield "detect.min_score", config.detect.min_score, 0.95


def _places(config: Config) -> Iterator[Check]:
    """Warn of zones and masks that leave next to nothing of a picture."""
    for camera in config.camera:
        if (share := _recognised_share(camera)) < MIN_RECOGNISED_SHARE:
            left = f"{share:.1%} of its picture" if share else "no place of its picture"
            found = f"{camera.name}: its zones and masks leave {left} in which a face is recognised"
            fix = "draw its zones and masks again on its page, or correct them in [[camera]]"
            yield warned(f"zones of {camera.name}", found, fix)


def _recognised_share(camera: CameraConfig) -> float:
    """Share of a camera's picture, 0..1, in which the middle of a face may lie: in its zones and under no mask."""
    places = [(i + 0.5) / _PLACES for i in range(_PLACES)]
    found = sum(camera.is_in_zones(x, y) and not camera.is_masked(x, y) for x in places for y in places)
    return found / _PLACES**2


def _rates(detect: DetectConfig) -> Iterator[Check]:
    """Warn of rates of searches at which people pass unseen."""
    if detect.busy_fps > 0 and max(detect.busy_fps, detect.idle_fps) < MIN_BUSY_FPS:
        found = f"busy_fps {detect.busy_fps:g}: who walks by is looked for too rarely, and may be missed"
        yield warned("detect rates", found, f"set [detect] busy_fps to {MIN_BUSY_FPS:g} at least; 10 is usual")
    elif 0 < detect.idle_fps < MIN_IDLE_FPS:
        found = f"idle_fps {detect.idle_fps:g}: who comes without much movement waits {1 / detect.idle_fps:.0f} s"
        yield warned("detect rates", found, f"set [detect] idle_fps to {MIN_IDLE_FPS:g} at least; 1 is usual")
    elif 0 < detect.busy_fps < detect.idle_fps:
        found = f"busy_fps {detect.busy_fps:g} is below idle_fps {detect.idle_fps:g}, which then holds for both"
        yield warned("detect rates", found, "set [detect] busy_fps above idle_fps")
