"""Three scorers of the same policies: gold, the writers' rubric and the users', against sqrt(KL)."""

import numpy as np

from reports.analysis.analysis import Analysis
from reports.analysis.scorers import LABELS, ScorerPeak
from reports.draw.figure import Figure, Key, Marker, Panel, Series, furthest, padded
from reports.draw.labels import beyond_entropy, beyond_entropy_keys, proxy_label
from reports.draw.style import INK, SCORER_COLORS, method_label
from reports.read.cell import Cell
from reports.read.run import RunData
from reports.read.writers import SCORERS, weights_of
from reports.sections.lines import LINES, lines
from reports.sections.scorers.disagreement import disagreement
from reports.sections.scorers.peaks import scorer_peaks
from reports.sections.section import Section

_SCORERS = (
    "The users' rubric is the plain sum of its parts. The writers' rubric is the weighted sum that labelled "
    "gold's preferences ({weights}; 1 where not named). Gold is the model trained on those preferences. Each "
    "score is in its own sd above π_ref, so compare where scorers peak, not how high. One line a scorer, for each "
    "method's smallest coefficient. With three or more replicates: their mean with a pointwise 95% t band, and "
    "each replicate as a thin line. With fewer: the first replicate with ±1.96 se, clustered by prompt. Diamonds "
    "mark the row that is best on the select prompts, at its value on the report prompts with a 95% interval; "
    "open diamonds where some replicate's curve ends near its peak."
)


def scorers(analysis: Analysis) -> Figure | None:
    """A panel a method, a line a scorer, each scorer's peak marked."""
    run, settings = analysis.run, analysis.scored_settings
    if not settings:
        return None
    by_setting = [_series(analysis, cells) for cells in settings]
    everything = [s for series in by_setting for s in series]
    y_range = padded([v for s in everything for v in (s.y, s.low, s.high) if v is not None])
    x_range, marks = (0.0, 1.04 * furthest(everything)), beyond_entropy(run, everything)
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
        for cells, series in zip(settings, by_setting, strict=True)
    )
    keys = [Key(LABELS[scorer], SCORER_COLORS[scorer], LINES[column][0]) for scorer, column in SCORERS.items()]
    keys += [Key("peak", INK, marker="diamond"), Key("peak at the edge", INK, marker="open")]
    return Figure(
        "judges",
        "Three scorers of the same policies",
        _SCORERS.format(weights=", ".join(f"{part} {w:g}" for part, w in weights_of(run.config).items())),
        "Gold, the writers' rubric and the users' rubric against the square root of KL, one panel a method.",
        panels,
        (*keys, *beyond_entropy_keys(panels)),
    )


def _titled(run: RunData, cell: Cell) -> str:
    against = f" · {proxy_label(cell.proxy_name)}" if run.several_proxies(cell.method) else ""
    return method_label(cell.kind) + against


def _series(analysis: Analysis, cells: list[Cell]) -> list[Series]:
    series = []
    for scorer, column in SCORERS.items():
        series += lines(analysis, cells, column, LABELS[scorer], SCORER_COLORS[scorer])
    marked = [] if cells[0].best_of_n else analysis.scorer_peaks(cells)
    return series + [_mark(peak) for peak in marked]


def _mark(peak: ScorerPeak) -> Series:
    value, color = peak.value, SCORER_COLORS[peak.scorer]
    x, y, low, high = (np.array([v]) for v in (peak.place, value.point, value.low, value.high))
    marker: Marker = "open" if peak.edge else "diamond"
    label, method = f"{LABELS[peak.scorer]}, peak", peak.cells[0].method
    return Series(label, x, y, color, low, high, marker=marker, line=False, bars=True, method=method)


SECTION = Section("three-judges", "Three scorers", (scorers, scorer_peaks, disagreement))
