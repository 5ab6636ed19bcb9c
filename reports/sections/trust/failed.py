"""Cells that failed or diverged, and why."""

from reports.analysis.analysis import Analysis
from reports.draw.table import Table
from reports.sections.section import Section


def failed(analysis: Analysis) -> Table:
    """Cells that failed or diverged, and why."""
    bad = analysis.run.bad
    reasons = bad.reason.fillna("no reason was recorded")
    alike: dict[tuple[str, str], list[str]] = {}
    for cell, status, reason in zip(bad.cell, bad.status, reasons, strict=True):
        alike.setdefault((str(status), str(reason)), []).append(str(cell))
    body = tuple((", ".join(cells), status, reason) for (status, reason), cells in alike.items())
    return Table(
        "failed",
        "Cells that did not finish",
        "Their good rows are kept in the figures.",
        bad[["row_id", "cell", "method", "status", "reason"]].copy(),
        ("cell", "status", "reason"),
        body,
        text=3,
    )


SECTION = Section("failed", "Cells that did not finish", (failed,))
