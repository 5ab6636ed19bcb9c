"""The texts behind each point: at most 32 samples a policy, pi_ref's to the same prompts, and how the text changed.

Of a row's report samples the ones with the largest gap (proxy minus gold) show how the proxy was gamed, and a random
part shows what is usual: the same prompts, drawn once, at every policy. Statistics of the text are over all samples.
`html` embeds it, a pack a cell.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reports.embed import pack, plain
from reports.load import REFERENCE, RunData
from reports.ngrams import Bag, Grams

LARGEST, RANDOM = 20, 12
SEED = 20221019  # of the random part; the same page on every rebuild
_AT_REFERENCE = 1e-3  # nats
_REFERENCE_TEXTS = 3  # a prompt


@dataclass(frozen=True)
class Drilldown:
    """`common` holds prompts, pi_ref's texts and names; `cells` a pack for each cell with samples."""

    common: str
    cells: dict[str, str]


def drilldown(run: RunData) -> Drilldown | None:
    """None where no sample is stored."""
    samples = run.samples[run.samples.split == "report"].reset_index(drop=True)
    samples = samples[samples.row_id.isin(set(run.ok.row_id))]
    if not len(samples):
        return None
    prompts = samples.drop_duplicates("prompt_id").set_index("prompt_id").prompt.sort_index()
    place = pd.Series(np.arange(len(prompts)), index=prompts.index)
    samples = samples.assign(gap=samples.proxy - samples.gold, place=place.loc[samples.prompt_id].to_numpy())
    parts = sorted(c for c in samples.columns if c.startswith("rubric_") and samples[c].notna().any())
    at_reference = samples[samples.row_id.isin(_reference_rows(run))]
    grams = Grams()
    reference = grams.bag(at_reference.response)
    chosen = samples[_chosen(samples)]
    by_row = {str(row_id): own for row_id, own in chosen.groupby("row_id", sort=False)}
    texts = {str(row_id): own for row_id, own in samples.groupby("row_id", sort=False).response}
    packs = {}
    for cell in run.cells:
        own = [row_id for row_id in cell.curve.row_ids if row_id in by_row]
        if own:
            changed = {r: _changed(grams, grams.bag(texts[r]), reference) for r in own}
            packs[cell.name] = pack({r: {"samples": _columns(by_row[r], parts), "grams": changed[r]} for r in own})
    first = at_reference.drop_duplicates(["place", "response"]).groupby("place").head(_REFERENCE_TEXTS)
    common = {
        "prompts": prompts.tolist(),
        "parts": [part.removeprefix("rubric_") for part in parts],
        "reference": _columns(first, parts),
        "text": _text_of_reference(run),
        "counts": {"largest": LARGEST, "random": RANDOM},
    }
    return Drilldown(pack(common), packs)


def _reference_rows(run: RunData) -> set[str]:
    """Rows that are pi_ref: the looks at it, else the first row of each trained cell; best-of-n's n = 1 is weighted."""
    looks = run.ok[run.ok.method == REFERENCE]
    rows = looks if len(looks) else run.ok[(run.ok.kl.abs() < _AT_REFERENCE) & run.ok.n.isna()]
    return set(rows.row_id)


def _chosen(samples: pd.DataFrame) -> pd.Series:
    """The largest gaps of each row, and the first sample of its random prompts that is not among them."""
    rank = samples.groupby("row_id").gap.rank(method="first", ascending=False)
    largest = rank <= LARGEST
    order = np.random.default_rng(SEED).permutation(samples.place.nunique())
    rest = samples[~largest].drop_duplicates(["row_id", "place"])
    drawn = pd.Series(np.argsort(order)[rest.place], index=rest.index).groupby(rest.row_id).rank(method="first")
    return largest | (drawn <= RANDOM).reindex(samples.index, fill_value=False)


def _columns(samples: pd.DataFrame, parts: list[str]) -> dict[str, Any]:
    columns = {name: plain(samples[name], 3) for name in ("place", "response", "gold", "proxy", "rubric", "n_tokens")}
    rank = samples.gap.rank(method="first", ascending=False)
    columns["largest"] = [int(r <= LARGEST) for r in rank]
    columns["parts"] = [plain(samples[part], 2) for part in parts]
    return columns


def _changed(grams: Grams, bag: Bag, reference: Bag) -> list[list[Any]]:
    return [
        [g.text, round(g.rate, 2), round(g.reference_rate, 2), float(f"{g.ratio:.3g}")]
        for g in grams.overused(bag, reference)
    ]


def _text_of_reference(run: RunData) -> dict[str, float]:
    """Length, repetition and variety of pi_ref's texts, the mean over its rows."""
    rows = run.ok[run.ok.row_id.isin(_reference_rows(run))]
    means = rows[["length", "repetition", "distinct2"]].astype(float).mean()
    return {name: float(f"{value:.4g}") for name, value in means.items() if np.isfinite(value)}
