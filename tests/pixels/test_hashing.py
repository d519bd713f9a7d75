"""Pixel hashes name values, not memory layouts."""

from __future__ import annotations

import numpy as np

from edge.pixels.hashing import pixel_sha256


def test_views_and_copies_share_a_hash_and_nothing_else_does() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    mirrored = image[:, ::-1]
    assert pixel_sha256(mirrored) == pixel_sha256(mirrored.copy())
    others = [
        image,
        mirrored,
        image.reshape(4, 2, 3),
        image.astype(np.int8),
        image.astype(np.uint16),
        np.where(image == 7, 8, image).astype(np.uint8),
    ]
    hashes = [pixel_sha256(other) for other in others]
    assert len(set(hashes)) == len(hashes)


def test_byte_order_is_not_content() -> None:
    values = np.array([1.5, 2.5], np.float32)
    assert pixel_sha256(values) == pixel_sha256(values.astype(">f4"))


def test_the_hash_stays_what_stored_recipes_hold() -> None:
    assert pixel_sha256(np.zeros((1, 1, 3), np.uint8)) == (
        "9190aa23ad2a50fb6dd662817468761771620c4d8fefd066963ae7fca8288f21"
    )
