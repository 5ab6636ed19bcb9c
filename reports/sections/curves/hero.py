"""The figure at the head of the page: gold and proxy over sqrt(KL), a panel for each method and proxy."""

from reports.analysis.analysis import Analysis
from reports.draw.figure import Figure
from reports.sections.lines import Frame, curves_figure

_HERO = (
    "Gold (solid) and calibrated proxy (dashed) in gold standard deviations above π_ref, against d = √KL; KL in "
    "nats on the top axis. The full colour is the smallest β, paler ones are larger. From three replicates on: their "
    "mean, its pointwise 95% t band, and each as a thin line; else one replicate with ±1.96 se, clustered by prompt. "
    "World, SFT policy and gold are fixed."
)


def hero(analysis: Analysis) -> Figure | None:
    """Gold and proxy against sqrt(KL)."""
    cells = [c for c in analysis.run.compared if len(c.curve) > 1]
    frame = Frame("hero", "Gold and proxy as optimisation goes on", _HERO)
    return curves_figure(analysis, cells, ("gold", "proxy"), frame)
