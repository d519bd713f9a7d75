"""What brightening needs is loaded once, in the background, for faces that would be brightened and for no others."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np

from edge.app.build import load_models
from edge.config import Config
from edge.enhance import Enhancer, KernelLoader, plan_steps
from edge.records import Quality

BRIGHT = Quality(0.7, 0.55, 0.004, 0.0, 40.0, 80.0, {}, 0.05)
DARK = replace(BRIGHT, luma=0.24)


class Slow:
    """Something that loads until it is told to end."""

    def __init__(self) -> None:
        self.may_end, self.has_begun, self.times = threading.Event(), threading.Event(), 0

    def __call__(self) -> None:
        self.times += 1
        self.has_begun.set()
        assert self.may_end.wait(20)


def enhancer_with(loader: KernelLoader) -> Enhancer:
    made = Enhancer(views=load_models(Config()).stages.enhancer.views)
    made.kernels = loader
    return made


def test_dark_faces_begin_to_load_and_bright_ones_do_not() -> None:
    load = Slow()
    enhancer = enhancer_with(KernelLoader(load))
    enhancer.plan(BRIGHT, for_recognition=True)
    assert not load.has_begun.wait(0.1)
    enhancer.plan(DARK, for_recognition=True)
    assert load.has_begun.wait(20), "with the first shot"
    assert "lime" in [step.name for step in enhancer.plan(DARK).steps], "a hit of it is brightened"
    assert load.times == 1
    load.may_end.set()


def test_brightening_waits_until_all_is_there_and_loads_it_itself_if_nobody_has() -> None:
    load = Slow()
    enhancer, done = enhancer_with(KernelLoader(load)), threading.Event()
    picture = np.full((40, 40, 3), 30, np.uint8)

    def brighten() -> None:
        enhancer.apply(picture, plan_steps(["lime"]))
        done.set()

    threading.Thread(target=brighten, daemon=True).start()
    assert not done.wait(0.2)
    load.may_end.set()
    assert done.wait(60)
    assert load.times == 1


def test_what_cannot_be_loaded_stops_nobody_for_ever() -> None:
    class BrokenError(Exception):
        pass

    def fail() -> None:
        raise BrokenError

    before, threading.excepthook = threading.excepthook, lambda given: None
    try:
        KernelLoader(fail).wait()
    finally:
        threading.excepthook = before
