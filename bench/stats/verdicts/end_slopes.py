"""The slopes of a parabola at both ends of a curve: the second opinion of Lind and Mehlum (2010).

A parabola in d = sqrt(KL) is fitted to the rows up to the declared one. Gold turns if the parabola rises at the first
row and falls at the last. The axis is d because the best-of-n form of gold, d (a - b d), is a parabola in it. A
coefficient is linear in gold, so each prompt has its own, and their mean is that of the curve: errors are clustered by
prompt. Left out: any test that the parabola is the right form. Where gold rises and then stays level it is not, and the
test over-rejects (docs/statistics.md). `verdicts.second_opinion` calls it.
"""

import numpy as np
from numpy.typing import NDArray

from bench.stats.curves import Curve
from bench.stats.estimate import Estimate, prompt_mean

Float = NDArray[np.float64]
FEWEST = 4  # rows: one more than a parabola takes up


def end_slopes(curve: Curve, end: int) -> tuple[Estimate, Estimate] | None:
    """Slopes of gold in d (sd per sqrt(nat)) at the first row and at row `end`; None with fewer than FEWEST rows.

    Source: Lind and Mehlum 2010, "With or without U?"; the test itself is Sasabuchi's (1980).
    """
    d = curve.d[: end + 1]
    if len(np.unique(d)) < FEWEST:
        return None
    coefficient_KP = np.linalg.pinv(np.vander(d, 3)) @ curve.gold_RP[: end + 1]  # of d^2, d and 1
    first, last = (prompt_mean(2 * x * coefficient_KP[0] + coefficient_KP[1]) for x in (d[0], d[-1]))
    return first, last
