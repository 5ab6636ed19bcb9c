"""Every figure of a run's page, as data."""

from reports.analysis.analysis import Analysis
from reports.draw.figure import Figure
from reports.page.page import fill
from reports.read.run import RunData
from reports.sections.curves.hero import hero
from reports.sections.registry import SECTIONS


def figures(run: RunData) -> dict[str, Figure]:
    """By file stem."""
    analysis = Analysis(run)
    items = [hero(analysis), *(item for made in fill(SECTIONS, analysis) for item in made.items)]
    return {item.name: item for item in items if isinstance(item, Figure)}
