"""Checks of the governor, which limits how fast d = sqrt(KL) moves, and of settling, which ends a cell."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

import numpy as np

from bench.checks.estimators.check import Check, Measured, close
from bench.checks.estimators.policy_gradient import REFERENCE
from bench.checks.estimators.world import EOS, PAD, T, TabularPolicy, prompts
from bench.config.evaluation import EvaluationConfig
from bench.core.types import Counts
from bench.training.learner import Learner
from bench.training.monitor import LARGEST_MOVE, SETTLED_CHANGE, Monitor
from bench.training.track import Track


@final
class Drift(Learner):
    """A learner whose d = sqrt(KL) moves by `speed` a step at full pace."""

    def __init__(self, speed: Callable[[int], float]) -> None:
        self.policy, self.counts, self.step, self.pace = TabularPolicy(0), Counts(), 0, 1.0
        self.speed, self.ds = speed, [0.0]

    def advance(self) -> dict[str, Any]:
        self.ds.append(self.ds[-1] + self.pace * self.speed(self.step))
        self.step += 1
        return {}

    @property
    def drawn_kl(self) -> float:
        return self.ds[-2] ** 2  # of the policy that began the step

    def save_policy(self, folder: Path) -> None:
        pass

    def save(self, file: Path) -> dict[str, Any]:
        return {}

    def load(self, file: Path, state: dict[str, Any]) -> None:
        pass


def monitor(last_budget: float = 1e6) -> Monitor:
    config = EvaluationConfig()
    return Monitor(prompts(), REFERENCE, config, (1.0, last_budget), T, EOS, PAD, 0)


def governed(speed: Callable[[int], float], steps: int) -> np.ndarray:
    """The moves of d in each step, under the governor."""
    learner = Drift(speed)
    with TemporaryDirectory() as folder:
        track = Track(learner, monitor(), Path(folder), lambda entry: None, lambda path: None, lambda path: None)
        track.begin()
        for _ in range(steps):
            track.observe(learner.advance())
    return np.diff(learner.ds)


def held(speed: float) -> Measured:
    """Moves at constant speed, once settled: LARGEST_MOVE, or the speed where that is less.

    A check is a step late, so the pace first overshoots; the last 20 of 160 moves are the limit to 1e-6.
    """
    return close(min(LARGEST_MOVE, speed), governed(lambda step: speed, 160)[-20:], 1e-6)


def by_the_third() -> Measured:
    """The first steps at speed .3, by hand. Nothing is known in the first two; then d = .3 after one step: pace 1/3.

    Then d = .6, of one step at pace 1 and one that was to be at 1/3: pace .1 (4/3) / .6 = 2/9.
    """
    return close([0.3, 0.3, 0.1, 0.3 * 2 / 9], governed(lambda step: 0.3, 4), 1e-12)


def let_go() -> Measured:
    """After a fast start the pace is 1 again, though it never grows by more than a tenth a step."""
    moves = governed(lambda step: 0.5 if step < 20 else 0.01, 80) / np.where(np.arange(80) < 20, 0.5, 0.01)
    excess = float((moves[1:] / moves[:-1]).max()) - 1.1
    return close(1.0, [moves[-1], 1.0 + max(0.0, excess)], 1e-9)


def settles(change: float, planned: int = 80, steps: int = 80) -> float:
    """1.0 if a cell whose log KL moves by `change` over a quarter of the plan counts as settled."""
    watch = monitor()
    for step in range(2, steps + 1, 2):
        watch.note(step, math.exp(change * step / (planned / 4)))
    return float(watch.settled(planned))


def settling() -> Measured:
    """An exponential KL just slower, and just faster, than the limit, up and down; and too early in the plan."""
    limit = SETTLED_CHANGE
    cases = [0.98 * limit, -0.98 * limit, 1.02 * limit, -1.02 * limit]
    return close([1, 1, 0, 0, 0, 1], [*map(settles, cases), settles(0.0, steps=38), settles(0.0, steps=40)], 0.0)


CHECKS: dict[str, Check] = {
    "governor at speed .3": partial(held, 0.3),
    "governor at speed .05": partial(held, 0.05),
    "governor's first steps": by_the_third,
    "governor lets go": let_go,
    "settling at the limit": settling,
}
