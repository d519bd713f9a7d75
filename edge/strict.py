"""What every pydantic model of a file or a body is made from: nothing in it is overlooked, nothing changes later."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Refuses a key it does not know, since that may be a key misspelt; and is never changed once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StrictFinite(Strict):
    """Refuses `NaN` and `Infinity`, too, which JSON and TOML files may hold and no limit would catch."""

    model_config = ConfigDict(allow_inf_nan=False)
