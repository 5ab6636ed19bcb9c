"""The controls: optimising gold itself must not hurt, and permuted labels must not help."""

from reports.analysis.analysis import Analysis
from reports.draw.figure import Figure
from reports.sections.lines import Frame, curves_figure
from reports.sections.section import Section

_CONTROLS = (
    "PPO on gold optimises gold itself: neither gold nor the rubric should fall. PPO on noise optimises a proxy "
    "fitted to permuted labels: it shows what leaving π_ref alone does to gold. Gold is solid, the optimised "
    "score dashed, the rubric (in its sd) dotted."
)


def controls(analysis: Analysis) -> Figure | None:
    """Gold, proxy and rubric of the controls against sqrt(KL)."""
    cells = [c for c in analysis.run.controls if len(c.curve) > 1]
    return curves_figure(analysis, cells, ("gold", "proxy", "rubric"), Frame("controls", "Controls", _CONTROLS))


SECTION = Section("controls", "Controls", (controls,))
