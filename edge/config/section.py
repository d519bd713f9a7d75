"""What every table of settings is."""

from typing import Annotated, Any, get_args

from pydantic import Field, ValidationInfo, field_validator

from edge.strict import StrictFinite

Unit = Annotated[float, Field(ge=0.0, le=1.0)]


class Section(StrictFinite):
    """A strict, frozen table of settings."""

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_truth(cls, given: Any, info: ValidationInfo) -> Any:
        """Refuse `port = true`, which would be port 1."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        kinds: set[Any] = {annotation, *get_args(annotation)}
        if isinstance(given, bool) and kinds & {int, float} and bool not in kinds:
            raise ValueError("is no number; give one")
        return given
