"""Makes a run's report: figures, tables, one page. Also while the run is still under way.

`reports.build` calls `make`, imported late so that matplotlib costs nothing until a report is made.
"""

from pathlib import Path

from bench.engine.files import write_text
from reports.analysis.analysis import Analysis
from reports.page.files import write_files
from reports.page.html import render
from reports.page.page import fill
from reports.page.report import report_page
from reports.read.load import load
from reports.sections.curves.hero import hero
from reports.sections.registry import sections


def make(folder: Path, *, pdf: bool = False) -> Path:
    """Write report.html, figures/ and tables/ into the run folder, and return the page's path."""
    analysis = Analysis(load(folder))
    head, made = hero(analysis), fill(sections(), analysis)
    files = write_files(folder, head, made, pdf=pdf)
    report = report_page(analysis, head, made, files)
    page = folder / "report.html"
    write_text(page, render("report.html.j2", report.page, folder / "figures", report=report))
    return page
