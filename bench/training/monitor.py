"""The KL monitor: a cheap look at how far a policy has moved, and what to do about it.

It decides which policies are saved, when a cell ends and when training must slow down. A row's KL is
measured afterwards on fresh samples, so choosing policies by a noisy look biases no number of record.
Where a step begins with samples of the policy they are its look (`Sampler.drawn_kl`); elsewhere the monitor draws a
few of its own, the more often the faster d moves.
"""

import math
from itertools import pairwise
from statistics import median
from typing import Any, final

import numpy as np
import torch

from bench.config.evaluation import MonitorConfig
from bench.core.seeds import seed_of
from bench.core.types import Prompts
from bench.errors import DivergedError
from bench.lm.generate import generate_with_distributions
from bench.lm.kl import drawn_kl
from bench.lm.policy import Policy

SETTLED_CHANGE = 0.05
LARGEST_MOVE = 0.1  # of d in one training step: rows must not be far apart
SPANS = {8: 1, 2: 2}  # steps, at the least, that d's speed is taken over, and how many times the largest move it may be
FASTER = 1.1  # a step
STRIDE = 1 / 3  # of the way in d to the next grid point that may pass between two looks
RAREST = 2  # times `monitor_every`: steps between two looks at the most


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


def root(kl: float) -> float:
    """d = sqrt(KL); rounding may take a KL below 0 at pi_ref."""
    return math.sqrt(max(kl, 0.0))


@final
class Monitor:
    """Looks at a policy's KL on rl-side prompts, with streams of its own."""

    def __init__(
        self,
        prompts: Prompts,
        reference: Policy,
        config: MonitorConfig,
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
        self.steps: list[int] = []
        self.passed = 0

    def look(self, policy: Policy, step: int) -> float:
        """The KL on this look's samples, in nats; remembered."""
        generator = torch.Generator(self.prompts.ids.device).manual_seed(seed_of("monitor", self.seed, step))
        drawn, logps_BTV = generate_with_distributions(policy, self.prompts, *self.limits, generator)
        kl = float(drawn_kl(logps_BTV, self.reference, drawn).kl_B.mean())
        self.note(step, kl)
        return kl

    def note(self, step: int, kl: float) -> None:
        """Remember a look: the KL, in nats, of the policy after `step` steps. Raises DivergedError beyond the limit."""
        if not math.isfinite(kl) or kl > self.largest:
            raise DivergedError(f"KL {kl:.4g} nats at step {step} is beyond {self.largest:g}; lower the learning rate")
        self.steps.append(step)
        self.kls.append(kl)

    def is_due(self, step: int) -> bool:
        """Whether to look after this step: when d, at its recent speed, may be a third of the way to the next row.

        At least every `monitor_every` steps until there are three looks, and never more rarely than RAREST times that.
        """
        if len(self.kls) < 3:
            return step % self.every == 0
        d = self._running_d()
        speeds = [(after - before) / (b - a) for (a, before), (b, after) in pairwise(zip(self.steps, d, strict=True))]
        ahead = root(self.grid[min(self.passed, len(self.grid) - 1)]) - d[-1]
        fastest = max(*speeds[-2:], 1e-9)
        pause = min(max(STRIDE * ahead / fastest, self.every), RAREST * self.every)
        return step >= self.steps[-1] + int(pause)

    def _running_d(self) -> list[float]:
        """The running d at every look."""
        return [root(median(self.kls[max(0, i - 2) : i + 1])) for i in range(len(self.kls))]

    @property
    def running(self) -> float:
        """Running median of the last three looks; 0 before the first, when the policy is pi_ref."""
        return median(self.kls[-3:]) if self.kls else 0.0

    @property
    def pace(self) -> float:
        """What to multiply the learning rate by, in (0, 1], so that d moves by `LARGEST_MOVE` a step at the most.

        How far d has gone over some steps, for each step at full pace among them, says which pace would have been
        right; after a look that finds nothing too fast the pace comes back by a tenth a step. Eight steps judge the
        speed, since far out a look's d is off by .15; two see a sudden jump, and allow for that noise twice the speed.
        A function of the looks alone, the same for every method.
        """
        looks = [(0, 0.0, 0.0)]  # step, d, steps so far in steps at full pace
        pace = 1.0
        for step, kl in zip(self.steps, self.kls, strict=True):
            last_step, _, last_effort = looks[-1]
            effort, d = last_effort + pace * (step - last_step), root(kl)
            pace = min(1.0, FASTER ** (step - last_step) * pace)
            for span, times in SPANS.items():
                _, d_then, effort_then = next((then for then in reversed(looks) if step - then[0] >= span), looks[0])
                if d > d_then and step > 0:  # at step 0 rounding alone has moved it
                    pace = min(pace, times * LARGEST_MOVE * (effort - effort_then) / (d - d_then))
            looks.append((step, d, effort))
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

    def settled(self, planned_steps: int) -> bool:
        """Whether log KL, by its slope, changed by less than 5% over the last quarter of the planned steps.

        Judged from half of the plan on: a pause early in training is no end.
        """
        if not self.steps or self.steps[-1] < planned_steps / 2:
            return False
        span = planned_steps / 4
        recent = [i for i, step in enumerate(self.steps) if step > self.steps[-1] - span]
        if len(recent) < 4:
            return False
        log_kl = np.log(np.maximum([self.kls[i] for i in recent], 1e-12))
        slope = np.polyfit([self.steps[i] for i in recent], log_kl, 1)[0]
        return bool(abs(slope) * span < SETTLED_CHANGE)

    def state(self) -> dict[str, Any]:
        return {"steps": self.steps, "kls": self.kls, "passed": self.passed}

    def load(self, state: dict[str, Any]) -> None:
        self.steps, self.kls, self.passed = list(state["steps"]), list(state["kls"]), state["passed"]
