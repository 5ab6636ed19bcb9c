"""The prompt resamples of a page, drawn once. `values` owns them; `peaks`, `fits`, `strengths` and `facts` use them.

Resamples depend on how many prompts there are, on SEED and on their number alone, and are drawn one after another: the
first 500 of MOST are the 500 that would be drawn by themselves. So one matrix serves every count up to MOST.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.stats.bootstrap import Resamples, prompt_counts
from bench.stats.curves import Curve

Float = NDArray[np.float64]
MOST = 2000
SEED = 20221019  # the same page on every rebuild


@dataclass(frozen=True, eq=False)
class Resampling:
    """Resamples of P prompts, kept by P."""

    _drawn: dict[int, Float] = field(default_factory=dict)

    def counts(self, prompts: int, draws: int) -> Float:
        """How often each prompt is in each resample, [draws, prompts]."""
        assert draws <= MOST, f"{draws} resamples are more than the {MOST} that are drawn"
        if prompts not in self._drawn:
            self._drawn[prompts] = prompt_counts(prompts, MOST, np.random.default_rng(SEED))
        return self._drawn[prompts][:draws]

    def of(self, curves: Sequence[Curve], draws: int) -> Resamples | None:
        """One set of resamples for all curves, over the union of their report prompts; None without prompts."""
        prompt_ids = tuple(sorted({prompt for curve in curves for prompt in curve.prompt_ids}))
        return Resamples(prompt_ids, self.counts(len(prompt_ids), draws)) if prompt_ids else None
