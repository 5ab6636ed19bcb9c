"""Imitation of one side of stored pairs: SFT on chosen responses, or best-of-2 distillation. It has no beta."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from bench.config.method import MethodConfig, Needs

if TYPE_CHECKING:
    from bench.methods.base import Method, MethodInputs


class SFTMethodConfig(MethodConfig):
    """Likelihood of one side of the stored pairs: gold's chosen one, or the better of the two by the proxy."""

    type: Literal["sft"] = "sft"
    target: Literal["chosen", "best_of_2"] = "chosen"
    proxy: str = Field(default="policy_sized", description="scores the rows; picks the better of two")
    epochs: int = Field(default=3, ge=1)
    batch: int = Field(default=64, ge=1)
    lr: float = Field(default=2e-4, gt=0)
    max_grad_norm: float = Field(default=1.0, gt=0)

    one_proxy: ClassVar[bool] = True

    def identity(self) -> Mapping[str, str | None]:
        return {"sampler": "offline", "loss": f"sft_{self.target}"}

    @property
    def known_as(self) -> str:
        return f"sft_{self.target}"

    @property
    def per_step(self) -> Mapping[str, int]:
        return {"pairs": self.batch}

    def needs(self) -> Needs:
        return Needs(score=self.target == "best_of_2", pairs="suite")

    def cost(self, pairs: int) -> tuple[int, float]:
        return self.epochs * pairs, 5e-4

    def build(self, inputs: "MethodInputs") -> "Method":
        from bench.losses.likelihood import Likelihood, better_first
        from bench.methods.base import Method
        from bench.samplers.stored import StoredPairs

        pairs = inputs.pairs()
        pairs = better_first(pairs, inputs.score) if self.target == "best_of_2" else pairs
        stored = StoredPairs(pairs, self.batch, inputs.seed)
        loss = Likelihood(self.target, inputs.max_new_tokens)
        return Method(stored, loss, self.epochs * stored.steps_per_epoch, self.lr, self.max_grad_norm)
