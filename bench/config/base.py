"""The base of every config: frozen, closed to unknown keys, and the only home of defaults."""

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """A frozen record. Its class defaults are the vetted settings; YAML only changes them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
