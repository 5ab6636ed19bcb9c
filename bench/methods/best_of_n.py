"""Best-of-n by a proxy: an evaluator over a pool of pi_ref samples; trains nothing."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from bench.config.method import MethodConfig


class BestOfNConfig(MethodConfig):
    """The exact expectation of best-of-n at each n, over the stored pool."""

    type: Literal["best_of_n"] = "best_of_n"
    n: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024), min_length=1
    )

    stage: ClassVar[Literal["train", "bon", "null"]] = "bon"

    @field_validator("n")
    @classmethod
    def _increases(cls, n: tuple[int, ...]) -> tuple[int, ...]:
        if list(n) != sorted(set(n)):
            raise ValueError(f"n {list(n)} must be increasing; use {sorted(set(n))}")
        return n

    def identity(self) -> Mapping[str, str | None]:
        return {"sampler": "pool", "loss": None}
