"""The board of live pictures: who is wanted, and which of a camera's pictures somebody gets."""

from __future__ import annotations

import asyncio
import dataclasses

from edge.serve import LiveBoard
from tests.support.web import live_view


def test_only_a_camera_that_is_looked_at_is_wanted() -> None:
    async def check() -> None:
        board = LiveBoard()
        assert not board.has_viewers("door")
        await board.wait_newer("door", None, 0.01)
        assert board.has_viewers("door")
        assert not board.has_viewers("yard")

    asyncio.run(check())


def test_a_lightened_frame_of_former_viewers_is_shown_to_nobody() -> None:
    async def check() -> None:
        board = LiveBoard()
        board.publish_lit(dataclasses.replace(live_view(1, age_s=3600), is_lit=True))
        board.publish(live_view(7))
        assert await board.wait_newer("door", None, 0.01, is_lit=True) is None, "the next one is waited for"
        board.publish_lit(dataclasses.replace(live_view(8), is_lit=True))
        board.publish(live_view(9))
        newest = await board.wait_newer("door", None, 0.01, is_lit=True)
        assert newest is not None
        assert (newest.frame_id, newest.is_lit) == (8, True)

    asyncio.run(check())


def test_the_last_picture_of_a_lost_camera_is_shown_as_it_is_to_whoever_then_asks_for_a_lightened_one() -> None:
    async def check() -> None:
        for former in (None, dataclasses.replace(live_view(1, age_s=3600), is_lit=True)):
            board = LiveBoard()
            if former is not None:
                board.publish_lit(former)
            board.publish(live_view(7, age_s=60))
            newest = await board.wait_newer("door", None, 0.01, is_lit=True)
            assert newest is not None
            assert (newest.frame_id, newest.is_lit) == (7, False)

    asyncio.run(check())
