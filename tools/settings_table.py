"""Print README's table of settings from the configuration's own models: `python -m tools.settings_table`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from edge.config import Config


def rows(model: type[BaseModel], table: str) -> list[str]:
    """One Markdown row per setting, table by table."""
    found: list[str] = []
    deeper: list[str] = []
    for name, field in model.model_fields.items():
        inner = _model_of(field.annotation)
        if inner is not None:
            deeper += rows(inner, f"{table}.{name}".strip("."))
        if inner is None or field.description:
            key = f"`{name}`" if not table else f"`{table}` `{name}`"
            found.append(f"| {key} | {_default(field)} | {_limits(field)} | {field.description} |")
    return found + deeper


def _model_of(kind: Any) -> type[BaseModel] | None:
    for one in (kind, *getattr(kind, "__args__", ())):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.annotation is not None and "Path" in str(field.annotation) and "models" in str(field.default):
        return "the packaged pack"
    return f"`{field.default}`" if field.default != "" else "empty"


def _limits(field: FieldInfo) -> str:
    texts = []
    for rule in field.metadata:
        for name, sign in (
            ("gt", "over"),
            ("ge", "from"),
            ("le", "to"),
            ("min_length", "at least"),
            ("max_length", "at most"),
        ):
            value = getattr(rule, name, None)
            if value is not None:
                texts.append(f"{sign} {value:,}" + (" characters" if "length" in name else ""))
        pattern = getattr(rule, "pattern", None)
        if pattern:
            texts.append("`" + pattern.replace("|", "\\|") + "`")
    return " ".join(texts)


if __name__ == "__main__":
    print("| setting | default | limits | meaning |\n|---|---|---|---|")
    print("\n".join(rows(Config, "")))
