"""Power: the smallest difference that an estimate's interval could detect. The reports call it."""

import math

from scipy.special import nctdtrinc, stdtrit

from bench.stats.estimate import Estimate
from bench.stats.verdicts.evidence import ALPHA

POWER = 0.8


def detectable(found: Estimate, power: float = POWER, alpha: float = ALPHA) -> float:
    """The distance of the truth from a bound at which a one-sided test at `alpha` detects it with chance `power`.

    From the estimate's own standard error: delta se, delta the non-centrality at which a t variable with n - 1 degrees
    of freedom exceeds its critical value with chance `power`. NaN without an interval. With three replicates the
    standard error itself is known only to within a factor of about three, and so is this number.
    """
    if not found.has_interval or found.n < 2:
        return math.nan
    df = found.n - 1
    se = found.error / float(stdtrit(df, (1 + found.level) / 2))
    return se * float(nctdtrinc(df, 1 - power, stdtrit(df, 1 - alpha)))
