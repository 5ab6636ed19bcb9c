"""Power: the smallest difference that an interval could detect, and the replicates that a verdict would need.

`verdicts.hump` and the reports call it.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import nctdtrinc, stdtrit

from bench.stats.estimate import ENOUGH, OVER_REPLICATES, Estimate
from bench.stats.verdicts.evidence import ALPHA, Evidence, Inequality

POWER = 0.8
MOST = 1000  # replicates, beyond which a number is of no use


@dataclass(frozen=True)
class Needed:
    """Replicates for a power of POWER, or None with the `reason`."""

    replicates: int | None
    reason: str = ""

    def __str__(self) -> str:
        return f"about {self.replicates} replicates" if self.replicates else self.reason


def detectable(found: Estimate, power: float = POWER, alpha: float = ALPHA) -> float:
    """The distance of the truth from a bound at which a one-sided test at `alpha` detects it with chance `power`.

    From the estimate's own standard error: delta se, delta the non-centrality at which a t variable with n - 1 degrees
    of freedom exceeds its critical value with chance `power`. NaN without an interval. With three replicates the
    standard error itself is known only to within a factor of about three, and so is this number.
    """
    if not found.has_interval or found.n < 2:
        return math.nan
    return float(detectable_size(_sd(found), found.n, power, alpha))


def needed(evidence: Evidence, power: float = POWER, alpha: float = ALPHA) -> Needed:
    """The replicates with which every inequality of a claim would be found, at the observed effects and spreads.

    The largest number over the inequalities, each by a one-sided t test at `alpha` (non-central t). It is the least
    that will do, and at least ENOUGH: that all hold at once, and in single replicates, is rarer still. None where the
    effect is of the other sign, or where fewer than three replicates have no interval over them.
    """
    if evidence.barred and not evidence.inequalities:
        return Needed(None, evidence.barred)
    counts = [_needed(inequality, power, alpha) for inequality in evidence.inequalities]
    missing = [found for found in counts if found.replicates is None]
    if missing or not counts:
        return missing[0] if missing else Needed(None, "nothing was measured")
    return max(counts, key=lambda found: found.replicates or 0)


def _needed(inequality: Inequality, power: float, alpha: float) -> Needed:
    found = inequality.estimate
    if found.method != OVER_REPLICATES or not found.has_interval:
        return Needed(None, "one or two replicates show no spread between replicates")
    effect = (found.point - inequality.bound) * (1 if inequality.above else -1)
    if effect <= 0:
        side = "above" if inequality.above else "below"
        return Needed(None, f"the {inequality.name} is not {side} {inequality.bound:g} in this sample")
    n = np.arange(ENOUGH, MOST + 1)
    enough = n[detectable_size(_sd(found), n, power, alpha) <= effect]
    return Needed(int(enough[0])) if len(enough) else Needed(None, f"more than {MOST} replicates")


def _sd(found: Estimate) -> float:
    """The spread of the units behind a t interval."""
    return found.error / float(stdtrit(found.n - 1, (1 + found.level) / 2)) * math.sqrt(found.n)


def detectable_size(sd: float, n: Any, power: float = POWER, alpha: float = ALPHA) -> Any:
    """The distance from a bound that n replicates (a number or an array) of spread `sd` detect with chance `power`."""
    return sd / np.sqrt(n) * nctdtrinc(n - 1, 1 - power, stdtrit(n - 1, 1 - alpha))
