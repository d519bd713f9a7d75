"""Labels pictures with drawn detail inside the file, so that the label stays with every copy."""

from __future__ import annotations

from edge.arrays import BgrImage
from edge.pixels.encode import to_png
from edge.recipes import Recipe

NOTE = "Generated detail: {steps}. Parts of this picture were drawn by a model and were never before the camera."


def label_of(recipe: Recipe) -> str | None:
    """Return the label of a picture; None if no step of its recipe draws detail."""
    steps = [step.name for step in recipe.steps if step.generative]
    return NOTE.format(steps=", ".join(steps)) if steps else None


def enhanced_png(image: BgrImage, recipe: Recipe) -> bytes:
    """PNG bytes of an enhanced picture, with its label as a comment that viewers show."""
    return to_png(image, label_of(recipe))
