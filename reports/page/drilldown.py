"""The texts behind each point: at most 32 samples a policy, pi_ref's to the same prompts, and how the text changed.

Of a row's report samples the ones with the largest gap (proxy minus gold) show how the proxy was gamed, and a random
part shows what is usual: the same prompts, drawn once, at every policy. Statistics of the text are over all samples.
`html` embeds it, a pack a cell.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reports.page.embed import pack
from reports.page.ngrams import Gram, Grams
from reports.read.kind import REFERENCE
from reports.read.run import RunData

LARGEST, RANDOM = 20, 12
SEED = 20221019  # of the random part; the same page on every rebuild
_AT_REFERENCE = 1e-3  # nats
_REFERENCE_TEXTS = 3  # a prompt
_NUMBERS = ("place", "gold", "proxy", "rubric", "n_tokens")


@dataclass(frozen=True)
class Drilldown:
    """`common` holds prompts, pi_ref's texts and names; `cells` a pack for each cell with samples."""

    common: str
    cells: dict[str, str]


def drilldown(run: RunData) -> Drilldown | None:
    """None where no sample is stored."""
    wanted = (run.samples.split == "report") & run.samples.row_id.isin(set(run.ok.row_id))
    samples = run.samples[wanted].reset_index(drop=True)
    if not len(samples):
        return None
    prompts = samples.drop_duplicates("prompt_id").set_index("prompt_id").prompt.sort_index()
    place = pd.Series(np.arange(len(prompts)), index=prompts.index)
    samples = samples.assign(gap=samples.proxy - samples.gold, place=place.loc[samples.prompt_id].to_numpy())
    parts = sorted(c for c in samples.columns if c.startswith("rubric_") and samples[c].notna().any())
    table = _Table({name: samples[name].to_numpy() for name in (*_NUMBERS, "response", "gap", *parts)}, tuple(parts))
    at = samples.groupby("row_id", sort=False).indices
    chosen = _chosen(samples).to_numpy()
    grams, is_reference = Grams(), samples.row_id.isin(_reference_rows(run)).to_numpy()
    reference = grams.bag(table.columns["response"][is_reference])
    packs = {}
    for cell in run.cells:
        places_by_row = {row_id: at[row_id] for row_id in cell.curve.row_ids if row_id in at}
        if places_by_row:
            picked = {r: table.at(places[chosen[places]]) for r, places in places_by_row.items()}
            bags = {r: grams.bag(table.columns["response"][places]) for r, places in places_by_row.items()}
            changed = {r: _changed(grams.overused(bag, reference)) for r, bag in bags.items()}
            packs[cell.name] = pack({r: {"samples": picked[r], "grams": changed[r]} for r in places_by_row})
    first = samples[is_reference].drop_duplicates(["place", "response"]).groupby("place").head(_REFERENCE_TEXTS)
    common = {
        "prompts": prompts.tolist(),
        "parts": [part.removeprefix("rubric_") for part in parts],
        "reference": table.at(first.index.to_numpy()),
        "text": _text_of_reference(run),
    }
    return Drilldown(pack(common), packs)


@dataclass(frozen=True, eq=False)
class _Table:
    """All report samples, a column an array."""

    columns: dict[str, np.ndarray]
    parts: tuple[str, ...]

    def at(self, places: np.ndarray) -> dict[str, Any]:
        """The samples at these places as JSON values, scores to two decimals, those with the largest gaps marked."""
        found: dict[str, Any] = {name: _decimals(self.columns[name][places]) for name in _NUMBERS}
        found["response"] = self.columns["response"][places].tolist()
        found["parts"] = [_decimals(self.columns[part][places]) for part in self.parts]
        rank = np.argsort(np.argsort(-self.columns["gap"][places], kind="stable"))
        found["largest"] = (rank < LARGEST).astype(int).tolist()
        return found


def _reference_rows(run: RunData) -> set[str]:
    """Rows of pi_ref: its own evaluations, else the first row of each trained cell; best-of-n's n = 1 is weighted."""
    reference = run.ok[run.ok.method_type == REFERENCE]
    rows = reference if len(reference) else run.ok[(run.ok.kl.abs() < _AT_REFERENCE) & run.ok.n.isna()]
    return set(rows.row_id)


def _chosen(samples: pd.DataFrame) -> pd.Series:
    """The largest gaps of each row, and the first sample of its random prompts that is not among them."""
    rank = samples.groupby("row_id").gap.rank(method="first", ascending=False)
    largest = rank <= LARGEST
    order = np.random.default_rng(SEED).permutation(samples.place.nunique())
    rest = samples[~largest].drop_duplicates(["row_id", "place"])
    order_of_rest = pd.Series(np.argsort(order)[rest.place], index=rest.index).groupby(rest.row_id).rank(method="first")
    return largest | (order_of_rest <= RANDOM).reindex(samples.index, fill_value=False)


def _decimals(values: np.ndarray) -> list[float | None]:
    rounded = np.round(values.astype(float), 2)
    return [v if v == v else None for v in rounded.tolist()]


def _changed(found: list[Gram]) -> list[list[Any]]:
    return [[g.text, round(g.rate, 2), round(g.reference_rate, 2), float(f"{g.ratio:.3g}")] for g in found]


def _text_of_reference(run: RunData) -> dict[str, float]:
    """Length, repetition and variety of pi_ref's texts, the mean over its rows."""
    rows = run.ok[run.ok.row_id.isin(_reference_rows(run))]
    means = rows[["length", "repetition", "distinct2"]].astype(float).mean()
    return {name: float(f"{value:.4g}") for name, value in means.items() if np.isfinite(value)}
