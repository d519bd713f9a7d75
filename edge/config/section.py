"""What every table of settings is."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Unit = Annotated[float, Field(ge=0.0, le=1.0)]


class Section(BaseModel):
    """A strict, frozen table of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
