"""What every table of settings is."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A strict, frozen table of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
