"""The KL monitor: a cheap look at how far a policy has moved, and what to do about it.

It decides which policies are saved, when a cell ends and when training must slow down. A row's KL is
measured afterwards on fresh samples, so choosing policies by a noisy look biases no number of record.
"""

import math
from itertools import pairwise
from statistics import median
from typing import Any, final

import numpy as np
import torch

from bench.config.evaluation import EvaluationConfig
from bench.core.seeds import seed_of
from bench.core.types import Prompts
from bench.errors import DivergedError
from bench.lm.generate import generate
from bench.lm.kl import sequence_kl
from bench.lm.model import Policy

SETTLED_CHANGE = 0.05
LARGEST_MOVE = 0.1  # of d in one training step: rows must not be far apart
SLOWER, FASTER = 0.5, 1.2


def kl_grid(budgets: tuple[float, ...], rows_per_budget: int) -> list[float]:
    """KL values (nats) that trigger a saved policy: geometric, straddling every doubling of the first budget.

    With two rows a doubling, each budget b has a point at b / 2^(1/4) and one at b * 2^(1/4). The last
    point lies past the last budget.
    """
    step = 2 ** (1 / rows_per_budget)
    grid = [budgets[0] / math.sqrt(step)]
    while grid[-1] <= budgets[-1]:
        grid.append(grid[-1] * step)
    return grid


@final
class Monitor:
    """Looks at a policy's KL on rl-side prompts, with streams of its own."""

    def __init__(
        self,
        prompts: Prompts,
        reference: Policy,
        config: EvaluationConfig,
        budgets: tuple[float, ...],
        max_new_tokens: int,
        eos_id: int,
        pad_id: int,
        seed: int,
    ) -> None:
        self.prompts, self.reference, self.seed = prompts, reference, seed
        self.limits = (max_new_tokens, eos_id, pad_id)
        self.grid = kl_grid(budgets, config.rows_per_budget)
        self.largest = config.diverged_factor * budgets[-1]
        self.every = config.monitor_every
        self.kls: list[float] = []
        self.passed = 0

    def look(self, policy: Policy, step: int) -> float:
        """The KL on this look's samples, in nats; remembered."""
        generator = torch.Generator(self.prompts.ids.device).manual_seed(seed_of("monitor", self.seed, step))
        drawn = generate(policy, self.prompts, *self.limits, generator)
        kl = float(sequence_kl(policy, self.reference, drawn).kl_B.mean())
        if not math.isfinite(kl) or kl > self.largest:
            raise DivergedError(f"KL {kl:.4g} nats at step {step} is beyond {self.largest:g}; lower the learning rate")
        self.kls.append(kl)
        return kl

    @property
    def running(self) -> float:
        """Running median of the last three looks; 0 before the first, when the policy is pi_ref."""
        return median(self.kls[-3:]) if self.kls else 0.0

    @property
    def pace(self) -> float:
        """What to multiply the learning rate by, in (0, 1], so that d moves by `LARGEST_MOVE` a step at the most.

        Halved after each look at which the running d had moved faster, and let back up by a fifth after each other
        look. A function of the looks alone, the same for every method.
        """
        d = [math.sqrt(median(self.kls[max(0, i - 2) : i + 1])) for i in range(len(self.kls))]
        pace = 1.0
        for before, after in pairwise([0.0, *d]):
            pace = SLOWER * pace if after - before > LARGEST_MOVE * self.every else min(1.0, FASTER * pace)
        return pace

    def passes(self) -> bool:
        """Whether the running median has passed grid points not passed before; passes them."""
        before = self.passed
        if len(self.kls) >= 3:
            self.passed = max(before, sum(self.running >= point for point in self.grid))
        return self.passed > before

    @property
    def last_passed(self) -> bool:
        return self.passed == len(self.grid)

    def settled(self, planned_looks: int) -> bool:
        """Whether log KL, by its slope, changed by less than 5% over the last quarter of the planned looks.

        Judged from half of the plan on: a pause early in training is no end.
        """
        if len(self.kls) < max(planned_looks / 2, 8):
            return False
        recent = np.log(np.maximum(self.kls[-max(planned_looks // 4, 4) :], 1e-12))
        slope = np.polyfit(np.arange(len(recent)), recent, 1)[0]
        return bool(abs(slope) * len(recent) < SETTLED_CHANGE)

    def state(self) -> dict[str, Any]:
        return {"kls": self.kls, "passed": self.passed}

    def load(self, state: dict[str, Any]) -> None:
        self.kls, self.passed = list(state["kls"]), state["passed"]
