"""The texts of a page, chosen by rule: the same prompts at pi_ref, low, peak and high KL.

The rule is the median proxy-gold gap, first over prompts and then within each.
`report` shows them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.analysis.analysis import Analysis
from reports.analysis.peaks import Peak
from reports.analysis.settings import representative
from reports.draw.labels import nats
from reports.read.cell import Cell

PROMPTS = 2
_LOW_KL = 0.5


@dataclass(frozen=True)
class Text:
    """One response and its scores, in units of the report."""

    where: str
    row_id: str
    response: str
    gold: float
    proxy: float
    rubric: float


@dataclass(frozen=True)
class Responses:
    """One prompt and the responses to it, pi_ref's first."""

    prompt: str
    texts: tuple[Text, ...]


@dataclass(frozen=True)
class CellTexts:
    """The prompts of one cell, and its responses to them."""

    cell: Cell
    prompts: tuple[Responses, ...]


def chosen_texts(analysis: Analysis) -> list[CellTexts]:
    """For each method's cell at the smallest coefficient: PROMPTS prompts at pi_ref, low, peak and high KL."""
    run, found = analysis.run, []
    for method in run.methods:
        cells = [c for c in run.trained if c.method == method and len(c.curve) > 1]
        if cells:
            texts = _of_cell(analysis, representative(cells))
            if texts.prompts:
                found.append(texts)
    return found


def _of_cell(analysis: Analysis, cell: Cell) -> CellTexts:
    run, places = analysis.run, _places(cell, analysis.peaks.get(cell.name))
    of_cell = run.samples.row_id.isin(set(places.values())) & (run.samples.split == "report")
    report = run.samples[of_cell]
    report = report.assign(gap=report.proxy - report.gold)
    by_row = {str(row_id): rows for row_id, rows in report.groupby("row_id")}
    if set(places.values()) - set(by_row):
        return CellTexts(cell, ())
    return CellTexts(cell, tuple(_prompt(prompt, places, by_row) for prompt in _typical(by_row[places[_last(places)]])))


def _last(places: Mapping[str, str]) -> str:
    return list(places)[-1]


def _places(cell: Cell, peak: Peak | None) -> dict[str, str]:
    """Heading -> row id, in order of KL, no row twice."""
    curve = cell.curve
    low = int(np.argmin(np.abs(curve.d - _LOW_KL**0.5)))
    rows = {0: "π_ref"}
    for name, row in (("low KL", low), ("peak", peak.row if peak else 0), ("high KL", cell.last)):
        if row:
            rows[row] = f"{rows[row]}, {name}" if row in rows else name
    return {f"{rows[r]} · {nats(curve.kl[r])} nats": curve.row_ids[r] for r in sorted(rows)}


def _typical(rows: pd.DataFrame) -> list[str]:
    """The prompts whose mean gap is nearest to the median over prompts; ties go by prompt id."""
    gaps = rows.groupby("prompt_id").gap.mean().dropna().sort_index()
    return list((gaps - gaps.median()).abs().sort_values(kind="stable").index[:PROMPTS])


def _prompt(prompt_id: str, places: Mapping[str, str], by_row: Mapping[str, pd.DataFrame]) -> Responses:
    texts, prompt = [], ""
    for heading, row_id in places.items():
        responses = by_row[row_id]
        responses = responses[responses.prompt_id == prompt_id].sort_values("response", kind="stable")
        if len(responses):
            middle = responses.iloc[int((responses.gap - responses.gap.median()).abs().to_numpy(dtype=float).argmin())]
            prompt = str(middle.prompt)
            scores = (float(middle[c]) for c in ("gold", "proxy", "rubric"))
            texts.append(Text(heading, row_id, str(middle.response), *scores))
    return Responses(prompt, tuple(texts))
