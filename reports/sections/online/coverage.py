"""The distance of policies that learn from pairs from their data: by the phrases they write, and by KL both ways.

A run folder holds no stored pairs. It holds what those are samples of: responses of pi_ref, which every cell begins
with, and each policy's mean log-ratio on held-out pairs. `spectrum` shows the figure.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import pandas as pd

from bench.core.records import REPORT
from reports.analysis.analysis import Analysis
from reports.draw.figure import Figure, Float, Panel, Series, padded
from reports.draw.labels import D, method_keys
from reports.draw.style import method_color, method_label
from reports.read.cell import Cell
from reports.read.run import RunData

_COVERAGE = (
    "Smallest β, first replicates. Left: the share of four-word phrases in a policy's report samples that also "
    "occur in some sample of π_ref in this run, to any prompt (at d = 0: π_ref's phrases against its other "
    "samples); bands are ±1.96 se by prompt. Right: KL from π_ref to the policy, estimated as minus the mean "
    "log-ratio of held-out pairs' responses, which are samples of π_ref, against KL from the policy to π_ref. "
    "Above the diagonal, the policy has dropped text of the data rather than added new text."
)

_REFERENCES = 40  # rows of pi_ref at most, each a response or more to every report prompt
_AT_REFERENCE = 1e-3  # nats
_BORDER = "\x00"  # between two texts; no phrase has it


def coverage(analysis: Analysis) -> Figure | None:
    """Phrases of pi_ref in what each policy writes; and the reverse KL beside the forward one."""
    cells = [settings[0] for settings in analysis.pair_methods]
    panels = [panel for panel in (_phrases(analysis.run, cells), _both_kls(cells)) if panel is not None]
    if not panels:
        return None
    alt = "Share of four-word phrases that pi_ref writes too, and KL from pi_ref to the policy, against KL."
    return Figure("coverage", "How far from the data?", _COVERAGE, alt, tuple(panels), tuple(method_keys(cells)))


def _phrases(run: RunData, cells: Sequence[Cell]) -> Panel | None:
    references = _references(run)
    ids = list(dict.fromkeys([*references, *(row_id for c in cells for row_id in c.curve.row_ids)]))
    texts = run.samples[(run.samples.split == REPORT) & run.samples.row_id.isin(ids)]
    if not cells or not references or not len(texts):
        return None
    share = known_phrases(texts, references)
    series = []
    for cell in cells:
        some = [i for i, row_id in enumerate(cell.curve.row_ids) if row_id in share.index]
        shares = share.loc[[cell.curve.row_ids[i] for i in some]]
        x, y, half = (
            cell.curve.d[some],
            shares["mean"].to_numpy(dtype=float),
            1.96 * shares["sem"].to_numpy(dtype=float),
        )
        line = Series(method_label(cell.kind), x, y, method_color(cell.kind), y - half, y + half, width=1.4)
        series.append(replace(line, method=cell.method, row_ids=tuple(shares.index)))
    lowest = float(np.nanmin(np.concatenate([s.y for s in series]), initial=1.0))
    held = f"{int(texts.row_id.isin(references).sum()):,} of its responses"
    axes = (f"Phrases of π_ref, in {held}", D, "share of four-word phrases")
    return Panel(*axes, tuple(series), y_range=(max(0.0, lowest - 0.05), 1.02), kl_on_top=True)


def _references(run: RunData) -> list[str]:
    """Rows of pi_ref: its own evaluations, and the first row of each cell."""
    first = run.ok[(run.ok.kl <= _AT_REFERENCE) & run.ok.n.isna()]
    return [str(row_id) for row_id in first.row_id[:_REFERENCES]]


def known_phrases(texts: pd.DataFrame, references: Sequence[str]) -> pd.DataFrame:
    """By row, the share of four-word phrases that a reference row has too: prompts' mean, and its standard error.

    A reference row is held against the others. `texts` has row_id, prompt_id and response.
    """
    phrases = phrases_of(texts)
    is_reference = texts.row_id.isin(references).to_numpy()
    origin = texts.row_id.to_numpy(dtype=object)[phrases.text]
    of_reference = is_reference[phrases.text]
    pairs = pd.DataFrame({"phrase": phrases.phrase[of_reference], "row": origin[of_reference]}).drop_duplicates()
    rows_with = np.bincount(pairs.phrase, minlength=int(phrases.phrase.max(initial=-1)) + 1)
    known = rows_with[phrases.phrase] > of_reference
    prompt = texts.prompt_id.to_numpy(dtype=object)[phrases.text]
    found = pd.DataFrame({"row_id": origin, "prompt_id": prompt, "known": known})
    by_prompt = found.groupby(["row_id", "prompt_id"]).known.mean()
    return by_prompt.groupby(level="row_id").agg(["mean", "sem"])


@dataclass(frozen=True, eq=False)
class Phrases:
    """Every four-word phrase, numbered alike where alike, and the place of the text that it stands in."""

    phrase: np.ndarray
    text: np.ndarray


def phrases_of(texts: pd.DataFrame) -> Phrases:
    """The phrases of all responses, split at whitespace; none spans two texts."""
    numbers: defaultdict[str, int] = defaultdict(count(1).__next__, {_BORDER: 0})
    split = [str(response).split() for response in texts.response]
    text = np.repeat(np.arange(len(split)), [len(s) + 1 for s in split])
    if len(text) < 4:
        return Phrases(text[:0], text[:0])
    word = np.array([numbers[w] for s in split for w in (*s, _BORDER)], dtype=np.int64)
    pair = np.unique(word[:-1] << 31 | word[1:], return_inverse=True)[1]
    phrase = np.unique(pair[:-2] << 31 | pair[2:], return_inverse=True)[1]
    whole = np.all([word[i : len(word) - 3 + i] > 0 for i in range(4)], axis=0)
    return Phrases(phrase[whole], text[: len(phrase)][whole])


def _both_kls(cells: Sequence[Cell]) -> Panel | None:
    series = []
    for cell in cells:
        forward: Float = -cell.rows[["chosen_logratio", "rejected_logratio"]].astype(float).mean(axis=1).to_numpy()
        if np.isfinite(forward).sum() > 1:
            line = Series(method_label(cell.kind), cell.curve.kl, forward, method_color(cell.kind), width=1.4)
            series.append(replace(line, method=cell.method, row_ids=cell.curve.row_ids))
    if not series:
        return None
    axes = ("KL(π ‖ π_ref), nats", "KL(π_ref ‖ π), nats")
    x_range, y_range = (padded([getattr(s, axis) for s in series]) for axis in "xy")
    return Panel("What it says of the data", *axes, tuple(series), x_range=x_range, y_range=y_range, diagonal=True)
