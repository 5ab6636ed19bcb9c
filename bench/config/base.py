"""Base class of all configs: frozen, without unknown keys. Defaults live only in config classes."""

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """A frozen record. Class defaults are the vetted settings; YAML overrides them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
