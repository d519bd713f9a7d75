"""Recipes to JSON and back: what the store keeps, the page shows and `edge replay` reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge.errors import ImageError
from edge.recipes import Recipe, SkippedStep, Step

PURPOSE = "view"
"""What enhanced pictures are for unless said otherwise; carried in every recipe."""


def recipe_to_json(recipe: Recipe, purpose: str = PURPOSE) -> dict[str, Any]:
    """JSON-ready form of a recipe."""
    steps = [
        {
            "name": step.name,
            "version": step.version,
            "params": dict(step.params),
            "model_sha256": step.model_sha256,
            "input_sha256": step.input_sha256,
            "output_sha256": step.output_sha256,
            "ms": step.ms,
            "generative": step.generative,
            "provider": step.provider,
        }
        for step in recipe.steps
    ]
    skipped = [{"name": step.name, "reason": step.reason} for step in recipe.skipped]
    return {"purpose": purpose, "steps": steps, "skipped": skipped}


def recipe_from_json(value: Mapping[str, Any]) -> Recipe:
    """The recipe of `recipe_to_json`; keys it did not write are left alone. Raises ImageError for anything else."""
    try:
        steps = tuple(
            Step(
                name=str(step["name"]),
                version=int(step["version"]),
                params=dict(step["params"]),
                model_sha256=None if step["model_sha256"] is None else str(step["model_sha256"]),
                input_sha256=str(step["input_sha256"]),
                output_sha256=str(step["output_sha256"]),
                ms=float(step.get("ms", 0.0)),
                generative=bool(step.get("generative", False)),
                provider=None if step.get("provider") is None else str(step["provider"]),
            )
            for step in value["steps"]
        )
        skipped = tuple(SkippedStep(str(step["name"]), str(step["reason"])) for step in value["skipped"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ImageError(f"this is no recipe ({error!r}): pass the recipe of a hit or of edge enhance") from None
    return Recipe(steps, skipped)
