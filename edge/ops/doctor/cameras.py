"""Checks the cameras: whether frames come, sharp and light enough, and why faces were not usable.

A running service holds the cameras, so its status file is read. Otherwise each camera is opened here.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from edge.capture.camera import Camera
from edge.config import CameraConfig, Config
from edge.detect import Detector, build_detector
from edge.errors import EdgeError
from edge.ops.doctor.check import Check, Status, failed, passed, warned
from edge.ops.system.camera_status import CameraStatus, describe_outcome
from edge.pixels.faces.geometry import align
from edge.pixels.measures.quality import measure, measure_picture
from edge.records import CameraState, Frame
from edge.sessions import Pack

FIRST_FRAME_S = 10.0
LOOK_S = 2.5
MAX_FRAMES_MEASURED = 8
MIN_FPS = 5.0
BLURRED, DIM, BLACK, GLARING = 0.42, 0.12, 0.045, 0.9
"""Sharpness of whole frames: .58 to .87 in focus, .40 under 2.5 px of blur. Light: mean luma, 0 to 1."""
MIN_FACES = 5
"""With fewer faces in an hour than this, nothing is said about them."""
_FIXES = {
    "starting": "wait a few seconds; if this lasts, check the camera's power and cable",
    "stalled": "it is being restarted; if this lasts, check cable or network",
    "frozen": "look at the place yourself, and switch the camera off and on",
    "dark": "check the lighting, and that nothing covers the lens",
    "covered": "take away what hides the scene",
    "defocused": "clean the lens, then focus it",
    "moved": "check whether the camera was turned, or something large stands in front of it",
    "washed_out": "look for a lamp or the sun in front of the lens",
    "lost": "check power, cable, address and password",
}
"""By state of a camera: what to do."""


@dataclass(slots=True)
class _OpenResult:
    """What was measured at a camera that was opened here, or why it was not."""

    status: CameraStatus
    problem: str | None = None


def check_cameras(config: Config, told: Sequence[CameraStatus] | None) -> list[Check]:
    """Judge what the running service has told of its cameras, or open every camera for some seconds."""
    if not config.camera:
        return [
            failed("cameras", "none is configured", "run `edge setup`, or add a [[camera]] table with name and source")
        ]
    if told is not None:
        by_name = {status.name: status for status in told}
        return [check for one in config.camera for check in _from_service(one, by_name.get(one.name))]
    try:
        detector = build_detector(config.detect, Pack.open(config.models_dir), config.runtime)
    except EdgeError:
        detector = None  # the models' own check says what is wrong
    with ThreadPoolExecutor(len(config.camera)) as pool:
        seen = list(pool.map(lambda one: _open_and_measure(one, config, detector), config.camera))
    return [check for one, what in zip(config.camera, seen, strict=True) for check in _from_open_camera(one, what)]


def judge(status: CameraStatus) -> list[Check]:
    """Focus, light, rate and faces of one camera that gives frames."""
    name = f"camera {status.name}"
    size, rate = f"{status.width} x {status.height}", f"{status.fps:.0f} frames/s"
    found = f"{size}, {rate}, sharpness {status.sharpness:.2f}, light {status.luma:.2f}"
    over_weeks = [passed(f"drift at {status.name}", status.comparison)] if status.comparison else []
    return [_picture(name, found, status), *_faces(status), *over_weeks]


def _picture(name: str, found: str, status: CameraStatus) -> Check:
    if status.luma < BLACK:
        fix = "the picture is nearly black: take off the lens cap, or give the place some light"
        return warned(name, found, fix)
    if status.luma < DIM:
        return warned(name, found, "too dark for faces: add light, or set a longer exposure on the camera")
    if status.luma > GLARING:
        return warned(name, found, "glaring: turn the camera away from the light, or lower its exposure")
    if status.sharpness < BLURRED:
        return warned(name, found, "out of focus or dirty: turn the lens until sharpness is over 0.5, and wipe it")
    if 0 < status.fps < MIN_FPS:
        return warned(name, found, "too few frames: check the link, and ask the camera for a smaller picture")
    return passed(name, found)


def _faces(status: CameraStatus) -> list[Check]:
    """Say why recent faces could not be used, most frequent reason first."""
    name = f"faces at {status.name}"
    total = sum(status.faces.values())
    if not total:
        return [passed(name, f"none seen in {status.span}")]
    told = ", ".join(f"{count} {describe_outcome(reason)[0]}" for reason, count in Counter(status.faces).most_common())
    found = f"{total} in {status.span}: {told}"
    unusable = Counter(
        {reason: count for reason, count in status.faces.items() if describe_outcome(reason)[1] is not None}
    )
    if total < MIN_FACES or sum(unusable.values()) * 2 <= total:
        return [passed(name, found)]
    reason, _ = unusable.most_common(1)[0]
    return [warned(name, found, str(describe_outcome(reason)[1]))]


def _from_service(camera: CameraConfig, status: CameraStatus | None) -> list[Check]:
    """Return what the running service says about a camera."""
    name = f"camera {camera.name}"
    if status is None:
        return [warned(name, "the running service knows no such camera", "restart the service: its settings changed")]
    if status.state not in (CameraState.LIVE, CameraState.ENDED):
        verdict: Status = "warn" if status.state in (CameraState.STARTING, CameraState.DARK) else "fail"
        return [Check(name, verdict, f"{status.state}: {status.detail}", _FIXES.get(status.state, _FIXES["lost"]))]
    return judge(status)


def _from_open_camera(camera: CameraConfig, seen: _OpenResult) -> list[Check]:
    if seen.problem is not None:
        fix = "check source, cable, address and password, then run this again"
        return [failed(f"camera {camera.name}", seen.problem, fix)]
    return judge(seen.status)


def _open_and_measure(settings: CameraConfig, config: Config, detector: Detector | None) -> _OpenResult:
    """Open the camera as the service would, wait for a frame, and look for some seconds."""
    empty = CameraStatus(settings.name, CameraState.LOST, "", 0, 0, 0.0, 0.0, 0.0, {}, f"{LOOK_S:.0f} s")
    try:
        with Camera(settings) as camera:
            first = _first(camera)
            if first is None:
                return _OpenResult(empty, f"no frame in {FIRST_FRAME_S:.0f} s: {camera.health().detail}")
            frames, fps = _take_frames(camera, first)
    except EdgeError as error:
        return _OpenResult(empty, str(error))
    pictures = [measure_picture(frame.image) for frame in frames]
    height, width = first.image.shape[:2]
    return _OpenResult(
        CameraStatus(
            settings.name,
            CameraState.LIVE,
            "frames arrive",
            width,
            height,
            fps,
            float(np.median([one.luma for one in pictures])),
            float(np.median([one.sharpness for one in pictures])),
            _usable(frames, config, detector) if detector else {},
            f"{LOOK_S:.0f} s",
        )
    )


def _first(camera: Camera) -> Frame | None:
    deadline = time.monotonic() + FIRST_FRAME_S
    frame = None
    while frame is None and time.monotonic() < deadline:
        frame = camera.newest(timeout_s=0.5)
    return frame


def _take_frames(camera: Camera, first: Frame) -> tuple[list[Frame], float]:
    """Return some of the frames, and the rate at which all of them came."""
    frames, last = [first], first
    started = time.monotonic()
    while (spent := time.monotonic() - started) < LOOK_S:
        frame = camera.newest(timeout_s=0.2)
        if frame is None and camera.health().state is CameraState.ENDED:
            break
        if frame is not None:
            last = frame
            if spent >= len(frames) * LOOK_S / MAX_FRAMES_MEASURED:
                frames.append(frame)
    span_s = (last.captured_mono_ns - first.captured_mono_ns) / 1e9
    return frames, (last.frame_id - first.frame_id) / span_s if span_s > 0 else 0.0


def _usable(frames: Sequence[Frame], config: Config, detector: Detector) -> Mapping[str, int]:
    """Outcome of each face found, as the pipeline would judge its single crop."""
    outcomes: Counter[str] = Counter()
    for frame in frames:
        found = detector.detect(frame.image)
        for box, points in zip(found.boxes, found.landmarks, strict=True):
            if min(box[2] - box[0], box[3] - box[1]) < config.detect.min_face_px:
                outcomes["too_small"] += 1
                continue
            quality = measure(align(frame.image, points), points, box)
            weak = min(quality.parts, key=lambda part: quality.parts[part])
            outcomes["usable" if quality.score >= config.recognise.min_quality else f"part_{weak}"] += 1
    return outcomes
