"""Makes a run's report: figures, tables, one page. Also while the run is still under way.

`reports.build` calls `make`, imported late so that matplotlib costs nothing until a report is made.
"""

import os
from pathlib import Path

from reports import audits, tables
from reports.claims import judge_claims
from reports.figures import figures
from reports.findings import find, sentences
from reports.html import Page, render
from reports.load import load
from reports.png import write_png
from reports.texts import shown


def make(folder: Path) -> Path:
    """Write report.html, figures/ and tables/ into the run folder, and return the page's path."""
    run = load(folder)
    findings = find(run)
    judged = judge_claims(run)
    drawn = figures(run)
    made = [
        tables.peaks(run, findings),
        tables.claims(judged),
        tables.claim_parts(judged),
        tables.at_budgets(run),
        audits.gates(run),
        tables.failed(run),
        tables.timing(run),
    ]
    for directory in ("figures", "tables"):
        (folder / directory).mkdir(exist_ok=True)
    for figure in drawn:
        write_png(figure, folder / "figures" / f"{figure.name}.png")
        figure.table().to_csv(folder / "figures" / f"{figure.name}.csv", index=False, float_format="%.6g")
    for table in made:
        if table.body:
            table.data.to_csv(folder / "tables" / f"{table.name}.csv", index=False, float_format="%.6g")
    page = Page(run, sentences(run, findings), drawn, {table.name: table for table in made}, shown(run, findings))
    path, partial = folder / "report.html", folder / ".report.html.partial"
    partial.write_text(render(page), encoding="utf-8")
    os.replace(partial, path)  # a reader never meets half a page
    return path
