"""Whether a picture has color; its channels apart."""

from __future__ import annotations

import numpy as np
import pytest

from edge.errors import ImageError
from edge.pixels import degrade
from edge.pixels.color import is_exactly_gray, is_gray, split_channels


def test_gray_is_told_from_color_through_noise_and_compression() -> None:
    rng = np.random.default_rng(0)
    shades = np.repeat(rng.integers(30, 220, (14, 14, 1), dtype=np.uint8), 3, axis=2)
    gray = shades.repeat(8, axis=0).repeat(8, axis=1)
    colored = gray.copy()
    colored[..., 2] = np.minimum(colored[..., 2].astype(int) + 25, 255)
    assert is_gray(gray)
    assert not is_gray(colored)
    for fault in ("jpeg", "noise", "dark"):
        assert is_gray(degrade.apply(gray, fault, 2, rng_or_seed=1))
    assert not is_gray(degrade.apply(colored, "jpeg", 3, rng_or_seed=1))
    assert not is_gray(gray[:4, :4]), "too small to tell"


def test_a_picture_is_exactly_gray_where_no_pixel_has_color() -> None:
    gray = np.full((5, 7, 3), 80, np.uint8)
    assert is_exactly_gray(gray)
    for channel in range(3):
        tinted = gray.copy()
        tinted[4, 6, channel] = 81
        assert not is_exactly_gray(tinted)


def test_split_channels_are_blue_green_and_red() -> None:
    image = np.random.default_rng(0).integers(0, 255, (5, 7, 3), dtype=np.uint8)
    channels = split_channels(image)
    assert [channel.tolist() for channel in channels] == [image[..., number].tolist() for number in range(3)]
    assert all(channel.flags.c_contiguous for channel in channels)
    with pytest.raises(ImageError):
        split_channels(image[..., :2])
