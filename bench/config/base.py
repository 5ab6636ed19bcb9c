"""Base class of all configs: frozen, without unknown keys. Defaults live only in config classes."""

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """A frozen record. Class defaults are the vetted settings; YAML overrides them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def refuse_unread(self, name: str, why: str) -> None:
        """Raise ValueError if a setting that nothing reads was changed; the message ends with `why`."""
        value = getattr(self, name)
        if value != type(self).model_fields[name].default:
            raise ValueError(f"{name}={value} does nothing {why}")
