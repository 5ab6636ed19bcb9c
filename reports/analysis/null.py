"""The A/A null: pi_ref evaluated as often as a cell. Tests its spread against stated errors, and for a false hump.

Every evaluation is of one policy, so evaluations in any order, over made-up increasing KLs, are a curve without a hump.
`analysis` calls `null_of`.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import chdtri

from bench.stats.verdicts.hump import DELTA, hump_test
from reports.read.kind import REFERENCE
from reports.read.run import RunData

ORDERS = 100
SEED = 20221019  # of the orders; the same page on every rebuild
_LAST_KL = 16.0  # nats, made up


@dataclass(frozen=True)
class Null:
    """`ratio`: variance of gold over evaluations, in units of the mean squared standard error, and its 97.5% limit.

    All evaluations share their prompts, and standard errors count prompts, so a ratio below 1 is expected. `fired` of
    `orders` orders of them were called a hump; in `moved` gold clearly rose and fell, whatever the proxy did.
    """

    evaluations: int
    ratio: float
    limit: float
    orders: int
    fired: int
    moved: int


def null_of(run: RunData) -> Null | None:
    """The evaluations of the first reference cell; None with fewer than four of them."""
    cells = [c for c in run.cells if c.kind.does == REFERENCE and len(c.curve) > 3 and c.curve.prompts > 1]
    if not cells:
        return None
    curve = cells[0].curve
    evaluations, rng = len(curve), np.random.default_rng(SEED)
    made_up = _LAST_KL * np.linspace(0, 1, evaluations) ** 2
    verdicts = []
    for _ in range(ORDERS):
        order = rng.permutation(evaluations)
        mixed = {name: getattr(curve, name)[order] for name in ("gold_select", "gold_RP", "proxy_RP")}
        verdicts.append(hump_test([replace(curve, kl=made_up, kl_select=made_up, **mixed)], _LAST_KL))
    return Null(
        evaluations=evaluations,
        ratio=float(np.var(curve.gold, ddof=1) / np.mean(curve.gold_se**2)),
        limit=float(chdtri(evaluations - 1, 0.025)) / (evaluations - 1),
        orders=ORDERS,
        fired=sum(v.verdict == "observed" for v in verdicts),
        moved=sum(min(v.rise.low, v.fall.low) > DELTA for v in verdicts),
    )
