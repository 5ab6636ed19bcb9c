"""The offline losses of a run, and the beta at which each ends best, beside the prediction of the expansion at pi_ref.

E f(beta rho) = f(0) + f'(0) beta E rho + f''(0)/2 beta^2 E rho^2 + ... (Tang et al. 2024, 2402.05749): divided by
-f'(0) beta this is -E rho + (beta |f''(0)/f'(0)| / 2) E rho^2. Losses whose beta |f''(0)/f'(0)| agree are thus the same
to second order, so the best beta goes *inversely* with |f''(0)/f'(0)|: slope -1 on log axes. `family`, `best_betas` and
`facts_losses` call it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.config.margin_losses import AT_ZERO
from bench.core.records import REPORT, SELECT
from bench.stats.estimate import Estimate
from bench.stats.strength import BestStrength, best_strength, slope
from reports.analysis.resampling import Resampling
from reports.analysis.values import Values
from reports.read.cell import Cell
from reports.read.kind import Kind
from reports.read.pairs import learns_from_pairs, loss_of, sampler_of
from reports.read.run import RunData

Float = NDArray[np.float64]
DRAWS = 1000


def curvature(loss: str) -> float:
    """|f''(0) / f'(0)|; NaN for a loss that is not known here."""
    return abs(AT_ZERO[loss][2] / AT_ZERO[loss][1]) if loss in AT_ZERO else float("nan")


def family_of(run: RunData) -> dict[str, list[Cell]]:
    """The offline cells by loss, each of the first method that has it; none with fewer than two losses."""
    cells = [c for c in run.compared if sampler_of(c) == "offline" and learns_from_pairs(c) and loss_of(c)]
    cells = [c for c in cells if len(c.curve) > 1]
    first = {loss_of(c): (c.method, c.proxy_name) for c in reversed(cells)}
    found = {
        loss: [c for c in cells if (loss_of(c), c.method, c.proxy_name) == (loss, *first[loss])]
        for loss in dict.fromkeys(map(loss_of, cells))
    }
    return found if len(found) > 1 else {}


@dataclass(frozen=True, eq=False)
class Strengths:
    """One loss at its positive betas: gold at the end of training by report and select prompts, and the best beta."""

    loss: str
    kind: Kind
    betas_B: Float
    row_ids: tuple[str, ...]
    report_BP: Float
    best: BestStrength | None
    top: Cell | None  # of the strengths that were run, the best on `select`

    @property
    def method(self) -> str:
        return self.kind.method


def strengths(values: Values) -> list[Strengths]:
    """Every loss of the family that was run at three or more betas, each with samples on the same prompts."""
    run = values.run
    family = {loss: [c for c in cells if c.beta > 0] for loss, cells in family_of(run).items()}
    last = [c.curve.row_ids[c.last] for cells in family.values() for c in cells]
    ends = run.samples[run.samples.row_id.isin(last)] if last else run.samples[:0]
    return [
        made for loss, cells in family.items() if (made := _strengths(values.resampling, ends, loss, cells)) is not None
    ]


def _strengths(resampling: Resampling, ends: pd.DataFrame, loss: str, cells: list[Cell]) -> Strengths | None:
    betas = sorted({c.beta for c in cells})
    settings = [[c for c in cells if c.beta == beta] for beta in betas]
    report_BP, select_BP = (end_gold(ends[ends.split == split], settings) for split in (REPORT, SELECT))
    if len(settings) < 3 or report_BP.shape[1] < 2 or not np.isfinite(report_BP).all():
        return None
    best, top = None, None
    if select_BP.size and np.isfinite(select_BP).all():
        counts_DP = resampling.counts(select_BP.shape[1], DRAWS)
        best = best_strength(np.array(betas), select_BP, counts_DP)
        top = settings[int(select_BP.mean(axis=1).argmax())][0]
    ids = tuple(s[0].curve.row_ids[s[0].last] for s in settings)
    return Strengths(loss, cells[0].kind, np.array(betas), ids, report_BP, best, top)


def end_gold(samples: pd.DataFrame, settings: Sequence[Sequence[Cell]]) -> Float:
    """Gold's prompt means at the end of training, the mean over each setting's replicates, [settings, prompts]."""
    place = {c.curve.row_ids[c.last]: i for i, cells in enumerate(settings) for c in cells}
    some = samples[samples.row_id.isin(place)]
    means = some.groupby(["row_id", "prompt_id"]).gold.mean().unstack("prompt_id")
    over = means.groupby(means.index.map(place)).mean().reindex(range(len(settings)))
    return over.to_numpy(dtype=float)


def predicted_slope(found: Sequence[Strengths]) -> Estimate:
    """The slope of log best beta over log |f''(0)/f'(0)|; -1 is predicted. Losses without curvature have no place."""
    placed = [s for s in found if s.best is not None and curvature(s.loss) > 0]
    return slope(np.log([curvature(s.loss) for s in placed]), [s.best for s in placed if s.best is not None])
