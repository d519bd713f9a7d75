"""Kept for scripts outside this repository: what `tests.support.store` has, under its former name."""

from tests.support.store import *  # noqa: F403
