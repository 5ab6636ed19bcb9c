"""Gates and audits: whether world, gold, proxies and measurement support the curves drawn from them.

A gate whose number is missing shows a dash and why. Thresholds are the project's, or the run's own config.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtri

from reports.analysis.analysis import Analysis
from reports.analysis.null import Null
from reports.draw.table import Table, Value, missing
from reports.read.run import RunData
from reports.read.writers import weights_of
from reports.sections.section import Section
from reports.sections.trust.models import labels, proxies

_GATES = (
    "Without headroom every method can only fall, so a hump is an artefact. Without a gold that tracks the "
    "rubric, a fall of gold means nothing."
)


_MIN_ROW_CORR = 0.6
_MAX_CUT = 0.1
_AT_REFERENCE = 1e-3  # nats
_MEANT = "the declared weights take the writers away from the users: no fault of gold"


@dataclass(frozen=True)
class Gate:
    """One measured number and what it must be. `value` None means not measured, for `reason`."""

    name: str
    value: float | None
    threshold: float | None
    sense: str  # ">=", "<" or "" for a number without a gate
    reason: str = ""
    percent: bool = False

    @property
    def verdict(self) -> str:
        if self.value is None or self.threshold is None:
            return ""
        passed: dict[str, Callable[[float, float], bool]] = {">=": lambda a, b: a >= b, "<": lambda a, b: a < b}
        return "pass" if passed[self.sense](self.value, self.threshold) else "fail"


def gates(analysis: Analysis) -> Table:
    """Every gate and audit of a run, as one table."""
    run = analysis.run
    found = [*_world(run), *_models(run), *_measurement(run, analysis.null)]
    columns = ["name", "value", "sense", "threshold", "verdict", "reason"]
    data = pd.DataFrame([[getattr(g, c) for c in columns] for g in found], columns=columns)
    body = tuple((g.name, _formatted(g), _limit(g), g.verdict or missing(_ungated(g)), g.reason) for g in found)
    return Table(
        "gates",
        "Gates and audits",
        _GATES,
        data,
        ("what", "value", "threshold", "", "note"),
        body,
    )


def _world(run: RunData) -> list[Gate]:
    return [
        _metric(run, "Entropy of π_ref (nats a sequence)", "reference", "entropy_nats", ">=", 16.0),
        _metric(run, "Best-of-64 by gold, gain (sd)", "pool", "best_of_64_gain", ">=", 1.8),
        _metric(run, "Best-of-1024 by gold, gain (sd)", "pool", "best_of_1024_gain", ">=", 2.1),
        _metric(
            run, "π_ref samples within 0.1 sd of gold's maximum", "pool", "near_max_share", "<", 0.02, percent=True
        ),
        _metric(run, "π_ref samples at the length cap", "reference", "truncated_rate", "<", 0.01, percent=True),
    ]


def _models(run: RunData) -> list[Gate]:
    """Gold must track the rubric of its preferences: the writers', where they weight its parts."""
    least = float(run.config.get("reference", {}).get("min_gold_rubric_corr", 0.75))
    on_ref, wide = "within prompts, on π_ref", "within prompts, on the wide set"
    if not weights_of(run.config):
        return [
            _metric(run, f"Gold against rubric {on_ref}", "units", "gold_rubric_corr", ">=", least),
            _metric(run, f"Gold against rubric {wide}", "gold", "wide_corr", "", None),
            *_rounds(run),
        ]
    return [
        _metric(run, f"Gold against its writers' rubric {on_ref}", "units", "gold_writers_corr", ">=", least),
        _metric(run, f"Gold against its writers' rubric {wide}", "gold", "wide_corr", "", None),
        *_rounds(run),
        _meant(run, f"Gold against the users' rubric {on_ref}", "units", "gold_rubric_corr"),
        _meant(run, f"Gold against the users' rubric {wide}", "gold", "wide_users_corr"),
        _meant(run, f"The writers' rubric against the users' {on_ref}", "units", "writers_rubric_corr"),
    ]


def _rounds(run: RunData) -> list[Gate]:
    """How long a trained gold was trained, and whether that sufficed."""
    name = "Gold against its training rubric within prompts, on held-out demonstrations"
    gate, rounds = _metric(run, name, "gold", "demonstrations_corr", "", None), run.metric("gold", "rounds")
    config = run.config.get("gold", {})
    if gate.value is None or rounds is None or "min_corr" not in config:
        return []
    least = config["min_corr"]
    until = "" if gate.value >= least else f", all it may take, without reaching {least:g}"
    until = until or (f", trained on until it reached {least:g}" if rounds > 1 else f", which sufficed for {least:g}")
    return [replace(gate, reason=f"rounds of {config['steps']} steps: {rounds:.0f}{until}")]


def _meant(run: RunData, name: str, stage: str, metric: str) -> Gate:
    """A correlation that the declared weights lower."""
    gate = _metric(run, name, stage, metric, "", None)
    return gate if gate.value is None else replace(gate, reason=_MEANT)


def _measurement(run: RunData, null: Null | None) -> list[Gate]:
    name = f"Rows whose gold-rubric correlation is under {_MIN_ROW_CORR}"
    found = [_flagged(run, name, "gold_rubric_corr")]
    if weights_of(run.config):
        users = replace(found[0], name=f"{name}, by the users' rubric", reason=f"{found[0].reason}; {_MEANT}")
        found = [_flagged(run, f"{name}, by its writers' rubric", "gold_writers_corr"), users]
    return [*found, _cut(run), _a_a(run), *_null(null), _rederived(run)]


def _flagged(run: RunData, name: str, column: str) -> Gate:
    corr = run.ok[column].dropna()
    if not len(corr):
        return Gate(name, None, None, "", "no row has the correlation yet")
    worst = run.ok.row_id[corr.index].iloc[int(corr.argmin())]
    flagged = float((corr < _MIN_ROW_CORR).sum())
    return Gate(name, flagged, None, "", f"of {len(corr)}; lowest {corr.min():.2f} at {worst}")


def _cut(run: RunData) -> Gate:
    """Responses that T cut, over rows within pi_ref's entropy, on which claims rest. Scorers miss the end."""
    name = "Largest share of responses cut at T, over rows within π_ref's entropy"
    shares = run.ok.set_index("row_id").truncated_rate.astype(float).dropna()
    kl = run.ok.set_index("row_id").kl.fillna(run.ok.set_index("row_id").kl_analytic).reindex(shares.index)
    within = shares[kl <= (run.entropy or np.inf)]
    if not len(within):
        return Gate(name, None, _MAX_CUT, "<", "no row has the share yet", percent=True)
    many = f"{int((shares > _MAX_CUT).sum())} of all {len(shares)} rows are over {_MAX_CUT:.0%}"
    note = f"{many}; {shares.max():.0%} at {shares.idxmax()}" if shares.max() > _MAX_CUT else many
    return Gate(name, float(within.max()), _MAX_CUT, "<", note, percent=True)


def _null(null: Null | None) -> list[Gate]:
    """Evaluations of pi_ref: their spread against stated errors, and the hump test on a curve without a hump."""
    spread = "A/A: spread of gold over evaluations, in stated variances"
    fires = "A/A: hump test fires on shuffled evaluations"
    if null is None:
        return [Gate(name, None, None, "<", "π_ref has too few evaluations") for name in (spread, fires)]
    note = f"{null.evaluations} evaluations of π_ref on the same prompts; the limit is the 97.5% quantile of χ² / df"
    orders = f"{null.fired} of {null.orders} orders of the evaluations over made-up KLs; gold alone rises and falls in "
    return [
        Gate(spread, null.ratio, null.limit, "<", note),
        Gate(fires, null.fired / null.orders, 0.05, "<", orders + str(null.moved), percent=True),
    ]


def _a_a(run: RunData) -> Gate:
    """pi_ref measured as a cell is, as a separate cell or at a cell's first step: its gold is 0 within errors."""
    name = "A/A: largest |gold| / se over evaluations of π_ref"
    at_reference = (run.ok.kl.abs() < _AT_REFERENCE) & run.ok.n.isna() & (run.ok.gold_se > 0)
    rows = run.ok[at_reference].drop_duplicates("gold")  # cells of one replicate start from the same samples
    if not len(rows):
        return Gate(name, None, None, "<", "π_ref has not been evaluated yet")
    limit = float(ndtri(1 - 0.025 / len(rows)))
    worst = float((rows.gold / rows.gold_se).abs().max())
    return Gate(name, worst, limit, "<", f"{len(rows)} evaluations; the limit is 5% for all together")


def _rederived(run: RunData) -> Gate:
    """Rows against the mean of their stored samples."""
    name = "Rows against their stored samples: largest difference in gold"
    report = run.samples[run.samples.split == "report"]
    means = report.groupby("row_id").gold.mean()
    rows = run.ok[run.ok.n.isna()].set_index("row_id").gold
    both = (rows - means).dropna()
    if not len(both):
        return Gate(name, None, None, "<", "no samples are stored yet")
    return Gate(name, float(np.abs(both).max()), 1e-4, "<", f"{len(both)} rows")


def _metric(
    run: RunData, name: str, stage: str, metric: str, sense: str, threshold: float | None, percent: bool = False
) -> Gate:
    value = run.metric(stage, metric)
    reason = "" if value is not None else _missing(run, stage, metric)
    return Gate(name, value, threshold, sense, reason, percent)


def _missing(run: RunData, stage: str, metric: str) -> str:
    if stage not in run.stages:
        return f"the {stage} stage has not been made"
    return f"the {stage} stage did not measure it" + (" (too few samples a prompt)" if "best_of" in metric else "")


def _formatted(gate: Gate) -> str | Value:
    if gate.value is None:
        return missing(gate.reason)
    return f"{100 * gate.value:.2f}%" if gate.percent else f"{gate.value:.3g}"


def _ungated(gate: Gate) -> str:
    return "reported without a gate" if gate.threshold is None else gate.reason


def _limit(gate: Gate) -> str | Value:
    if gate.threshold is None:
        return missing(_ungated(gate))
    sense = {">=": "≥", "<": "<"}[gate.sense]
    return f"{sense} {100 * gate.threshold:g}%" if gate.percent else f"{sense} {gate.threshold:.3g}"


SECTION = Section("gates", "World, gold, proxies and labels", (gates, proxies, labels))
