"""The picture of three judges of the same policies: gold, the writers' rubric and the users', against sqrt(KL).

Which settings speak, and which rows are their peaks, is in `judge_peaks`. `figures` calls it.
"""

import numpy as np

from reports.draw.figure import Figure, Key, Marker, Panel, Series, furthest, padded
from reports.draw.style import INK, JUDGE_COLORS, method_label
from reports.read.load import Cell, RunData
from reports.read.writers import JUDGES, weights_of
from reports.sections import words
from reports.sections.curves.hero import LINES, lines, proxy_label, support, support_keys
from reports.sections.scorers.peaks import LABELS, JudgePeak, judged_settings, peaks_of


def judges(run: RunData) -> Figure | None:
    """A panel a method, a line a judge, each judge's peak marked."""
    settings = judged_settings(run)
    if not settings:
        return None
    drawn = [_series(run, cells) for cells in settings]
    everything = [s for series in drawn for s in series]
    y_range = padded([v for s in everything for v in (s.y, s.low, s.high) if v is not None])
    x_range, marks = (0.0, 1.04 * furthest(everything)), support(run, everything)
    panels = tuple(
        Panel(
            _titled(run, cells[0]),
            "√KL",
            "sd above π_ref",
            tuple(series),
            marks,
            kl_on_top=True,
            x_range=x_range,
            y_range=y_range,
        )
        for cells, series in zip(settings, drawn, strict=True)
    )
    keys = [Key(LABELS[judge], JUDGE_COLORS[judge], LINES[column][0]) for judge, column in JUDGES.items()]
    keys += [Key("peak", INK, marker="diamond"), Key("peak at the edge", INK, marker="open")]
    return Figure(
        "judges",
        "Three judges of the same policies",
        words.JUDGES.format(weights=", ".join(f"{part} {w:g}" for part, w in weights_of(run.config).items())),
        "Gold, the writers' rubric and the users' rubric against the square root of KL, one panel a method.",
        panels,
        (*keys, *support_keys(panels)),
    )


def _titled(run: RunData, cell: Cell) -> str:
    against = f" · {proxy_label(cell.proxy_name)}" if run.several_proxies(cell.method) else ""
    return method_label(cell.method) + against


def _series(run: RunData, cells: list[Cell]) -> list[Series]:
    series = []
    for judge, column in JUDGES.items():
        series += lines(run, cells, column, LABELS[judge], JUDGE_COLORS[judge])
    marked = [] if cells[0].best_of_n else peaks_of(run, cells)
    return series + [_mark(peak) for peak in marked]


def _mark(peak: JudgePeak) -> Series:
    value, color = peak.value, JUDGE_COLORS[peak.judge]
    x, y, low, high = (np.array([v]) for v in (peak.place, value.point, value.low, value.high))
    marker: Marker = "open" if peak.edge else "diamond"
    label, method = f"{LABELS[peak.judge]}, peak", peak.cells[0].method
    return Series(label, x, y, color, low, high, marker=marker, line=False, bars=True, method=method)
