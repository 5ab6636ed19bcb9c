"""The KL monitor: cheap, noisy checks of a policy's KL to pi_ref during training.

It decides which policies are saved, when a cell ends and when training must slow down. A row's KL is measured
afterwards on fresh samples, so noisy checks bias no reported number. Where a step begins with samples of the policy,
these serve as its check (`Sampler.drawn_kl`). Otherwise the monitor draws a few samples, more often the faster d moves.
"""

import math
from itertools import pairwise
from statistics import median
from typing import Any, final

import numpy as np
import torch

from bench.config.evaluation import MonitorConfig
from bench.core.finite import at_step
from bench.core.seeds import seed_of
from bench.core.types import Prompts
from bench.errors import DivergedError
from bench.lm.generate import generate_with_distributions
from bench.lm.kl import drawn_kl
from bench.lm.policy import Policy

SETTLED_CHANGE = 0.05
LARGEST_MOVE = 0.1  # change of d in one training step: rows must not be far apart
SPANS = {8: 1, 2: 2}  # fewest steps over which d's speed is taken: largest speed, in multiples of LARGEST_MOVE
FASTER = 1.1  # growth of the pace in one step
STRIDE = 1 / 3  # largest share of the way in d to the next grid point between two checks
RAREST = 2  # most steps between two checks, in multiples of `monitor_every`


def kl_grid(budgets: tuple[float, ...], rows_per_budget: int) -> list[float]:
    """KL values (nats) that trigger a saved policy: geometric, straddling every doubling of the first budget.

    With two rows a doubling, each budget b has a point at b / 2^(1/4) and one at b * 2^(1/4). The last
    point lies past the last budget.

    >>> [round(kl, 2) for kl in kl_grid((1.0, 2.0), rows_per_budget=2)]
    [0.84, 1.19, 1.68, 2.38]
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
    """Checks a policy's KL on prompts of the rl split. Its random streams are separate from training's."""

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

    def check_kl(self, policy: Policy, step: int) -> float:
        """Draw samples, and return and record their KL in nats."""
        generator = torch.Generator(self.prompts.ids.device).manual_seed(seed_of("monitor", self.seed, step))
        samples, logps_BTV = generate_with_distributions(policy, self.prompts, *self.limits, generator)
        estimate = drawn_kl(logps_BTV, self.reference, samples)
        with at_step(step):
            estimate.demand_finite()
        kl = float(estimate.kl_B.mean())
        self.note(step, kl)
        return kl

    def note(self, step: int, kl: float) -> None:
        """Record the KL, in nats, of the policy after `step` steps. Raises DivergedError beyond the limit."""
        if not math.isfinite(kl):
            raise DivergedError(f"at step {step} the KL is {kl}: a log-prob of the policy or of pi_ref is not finite")
        if kl > self.largest:
            raise DivergedError(f"KL {kl:.4g} nats at step {step} is beyond {self.largest:g}; lower the learning rate")
        self.steps.append(step)
        self.kls.append(kl)

    def is_due(self, step: int) -> bool:
        """True if KL must be checked after this step.

        The next check comes before d, at its recent speed, can cross a third of the gap to the next grid point. The
        first three checks come every `monitor_every` steps; later ones at most RAREST times that apart.
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
        """The running d at every check."""
        return [root(median(self.kls[max(0, i - 2) : i + 1])) for i in range(len(self.kls))]

    @property
    def running(self) -> float:
        """Running median of the last three checks, in nats; 0 before the first, when the policy is pi_ref."""
        return median(self.kls[-3:]) if self.kls else 0.0

    @property
    def pace(self) -> float:
        """Factor of the learning rate, in (0, 1], that limits the move of d to `LARGEST_MOVE` a step.

        The speed of d is its move per step at full pace. Where it is too large, the pace falls in proportion; otherwise
        the pace grows back by a tenth a step. The speed is taken over eight steps, since far from pi_ref a check's d is
        off by .15, and over two, which catch a sudden jump; for noise, these may show twice the speed. The pace is a
        function of the checks alone, the same for every method.
        """
        checks = [(0, 0.0, 0.0)]  # step, d, steps so far in steps at full pace
        pace = 1.0
        for step, kl in zip(self.steps, self.kls, strict=True):
            last_step, _, last_effort = checks[-1]
            effort, d = last_effort + pace * (step - last_step), root(kl)
            pace = min(1.0, FASTER ** (step - last_step) * pace)
            for span, times in SPANS.items():
                _, d_then, effort_then = next((then for then in reversed(checks) if step - then[0] >= span), checks[0])
                if d > d_then and step > 0:  # at step 0 rounding alone has moved it
                    pace = min(pace, times * LARGEST_MOVE * (effort - effort_then) / (d - d_then))
            checks.append((step, d, effort))
        return pace

    def passes(self) -> bool:
        """Mark the grid points that the running median has passed; True if any of them is new."""
        before = self.passed
        if len(self.kls) >= 3:
            self.passed = max(before, sum(self.running >= point for point in self.grid))
        return self.passed > before

    @property
    def last_passed(self) -> bool:
        return self.passed == len(self.grid)

    def settled(self, planned_steps: int) -> bool:
        """True if log KL, by its slope, changed by less than 5% over the last quarter of the planned steps.

        False in the first half of the plan: a pause early in training is not the end.
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
