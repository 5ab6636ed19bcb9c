"""The A/A null: pi_ref measured as often as a trained policy. Every rise or fall in it is noise."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from bench.config.method import MethodConfig


class ReferenceMethodConfig(MethodConfig):
    """pi_ref measured `evaluations` times on fresh samples."""

    type: Literal["reference"] = "reference"
    evaluations: int = Field(default=16, ge=2)

    one_proxy: ClassVar[bool] = True
    stage: ClassVar[Literal["train", "bon", "null"]] = "null"

    def identity(self) -> Mapping[str, str | None]:
        return {"sampler": None, "loss": None}
