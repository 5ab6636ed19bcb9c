"""The inputs of a method, and the method: a sampler times a loss. The training loop knows nothing else."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.core.types import Pairs, Prompts, Score
from bench.lm.policy import TransformerPolicy
from bench.losses.base import Loss
from bench.losses.margin import built_in
from bench.rewards.labeller import Labeller
from bench.samplers.base import Sampler
from bench.samplers.on_policy import OnPolicy


@dataclass(frozen=True)
class MethodInputs:
    """Data and models that a method may read, as far as its `needs` name them.

    `score` is the calibrated reward in logits (gold itself in the control), `labeller` gold, metered, for methods that
    need one. `pairs` are stored pairs, `replayed` those that another run drew. `margin_loss` gives the f of a name.
    """

    reference: TransformerPolicy
    prompts: Prompts
    score: Score
    pairs: Callable[[], Pairs]
    replayed: Callable[[], Pairs]
    max_new_tokens: int
    eos_id: int
    pad_id: int
    seed: int
    labeller: Labeller | None = None
    margin_loss: Callable[[str], Callable[[Tensor], Tensor]] = built_in

    @property
    def device(self) -> torch.device:
        return self.prompts.ids.device


@dataclass(frozen=True)
class Method:
    """A sampler, a loss, and how long to run them: `steps`, or fewer where KL settles and it `may_settle`."""

    sampler: Sampler
    loss: Loss
    steps: int
    lr: float
    max_grad_norm: float
    may_settle: bool = True


def rollouts(inputs: MethodInputs, batch: int, score: Score, samples_per_prompt: int = 1) -> OnPolicy:
    """A sampler of `batch` fresh responses a step, scored by `score`."""
    return OnPolicy(
        inputs.prompts,
        inputs.reference,
        score,
        batch,
        inputs.max_new_tokens,
        inputs.eos_id,
        inputs.pad_id,
        inputs.seed,
        samples_per_prompt,
    )
