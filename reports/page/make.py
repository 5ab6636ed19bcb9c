"""Makes a run's report: figures, tables, one page. Also while the run is still under way.

`reports.build` calls `make`, imported late so that matplotlib costs nothing until a report is made.
"""

from collections.abc import Sequence
from pathlib import Path

from bench.engine.files import write_text
from reports.analysis.claims import judge_claims
from reports.analysis.findings import find, sentences
from reports.analysis.fits import fit_curves, fits, predictions
from reports.draw.figure import Figure
from reports.draw.png import write_image
from reports.draw.table import Table
from reports.page.html import render
from reports.page.report import report_page
from reports.page.texts import shown
from reports.read.load import load
from reports.sections import tables
from reports.sections.claims.ledger import ledger
from reports.sections.curves.matched import matched
from reports.sections.figures import figures
from reports.sections.offline.best_betas import best_betas_table
from reports.sections.offline.parting import equivalence
from reports.sections.online.spectrum import gains
from reports.sections.scorers.disagreement import disagreement
from reports.sections.scorers.peaks import judge_peaks
from reports.sections.trust import gates as audits
from reports.sections.trust import models
from reports.sections.trust.config import from_suite


def make(folder: Path, *, pdf: bool = False) -> Path:
    """Write report.html, figures/ and tables/ into the run folder, and return the page's path."""
    run = load(folder)
    findings = find(run)
    judged = judge_claims(run)
    fitted = fit_curves(run)
    drawn = figures(run, fitted)
    made = [
        tables.claims(judged),
        tables.claim_parts(judged),
        tables.peaks(run, findings),
        judge_peaks(run),
        disagreement(run),
        tables.at_budgets(run),
        matched(run),
        equivalence(run),
        best_betas_table(run),
        gains(run),
        predictions(run, fitted),
        fits(run, fitted),
        audits.gates(run),
        models.proxies(run),
        models.labels(run),
        ledger(run, findings),
        from_suite(run),
        tables.failed(run),
        tables.timing(run),
    ]
    files = write_files(folder, drawn, made, pdf=pdf)
    report = report_page(run, sentences(run, findings), drawn, made, shown(run, findings), files)
    page = folder / "report.html"
    write_text(page, render("report.html.j2", report.page, folder / "figures", report=report))
    return page


def write_files(folder: Path, drawn: Sequence[Figure], made: Sequence[Table], *, pdf: bool) -> dict[str, str]:
    """Write figures/ and tables/ and return the CSV texts by path. Tables without lines have no file."""
    for directory in ("figures", "tables"):
        (folder / directory).mkdir(parents=True, exist_ok=True)
    data = {f"figures/{figure.name}.csv": figure.table() for figure in drawn}
    data |= {f"tables/{table.name}.csv": table.data for table in made if table.body}
    files = {path: table.to_csv(index=False, float_format="%.6g") for path, table in data.items()}
    for path, text in files.items():
        (folder / path).write_text(text, encoding="utf-8")
    for figure in drawn:
        for kind in ("png", "pdf") if pdf else ("png",):
            write_image(figure, folder / "figures" / f"{figure.name}.{kind}")
    return files
