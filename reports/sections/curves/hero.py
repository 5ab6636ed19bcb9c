"""The figure at the head of the page: gold and proxy over sqrt(KL), a panel for each method and proxy."""

from reports.analysis.analysis import Analysis
from reports.draw.figure import Figure
from reports.sections.lines import Frame, curves_figure

_HERO = (
    "Gold (solid) and calibrated proxy (dashed), in gold standard deviations above π_ref, against d = √KL; the "
    "top axis reads KL in nats. Full colour is the smallest β, paler colours are larger ones. With three or more "
    "replicates: their mean with a pointwise 95% t band, and each replicate as a thin line. With fewer: the first "
    "replicate with ±1.96 se, clustered by prompt. World, SFT policy and gold are fixed."
)


def hero(analysis: Analysis) -> Figure | None:
    """Gold and proxy against sqrt(KL)."""
    cells = [c for c in analysis.run.compared if len(c.curve) > 1]
    frame = Frame("hero", "Gold and proxy as optimisation goes on", _HERO)
    return curves_figure(analysis, cells, ("gold", "proxy"), frame)
