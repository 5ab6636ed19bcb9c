"""The rate at which two of the three scorers order two responses differently, along KL. `curves` shows the table.

Only where the run's gold was trained on weighted parts (see `read.writers`).
"""

from itertools import combinations

import numpy as np
import pandas as pd

from bench.core.records import REPORT
from bench.stats.agreement import Agreement, agreement
from bench.stats.estimate import plus_minus
from reports.analysis.analysis import Analysis
from reports.analysis.resampling import SEED
from reports.draw.style import method_label
from reports.draw.table import Row, Table, Value, missing
from reports.read.run import RunData
from reports.read.writers import SCORERS, weights_of

_DISAGREEMENT = (
    "Of all pairs of responses of one policy to one prompt that both scorers order: the share that they order "
    "differently (one half for unrelated scorers), and r, their correlation within policy and prompt. Policies of "
    "all replicates and coefficients of a method, on the report prompts, by KL in nats. ± is half of the 95% "
    "interval over resampled prompts; it does not cover replicates. Best-of-n stores one pick a prompt and so has "
    "no pairs."
)
BUCKETS = {"π_ref": 1e-3, "to 1": 1.0, "1 to 4": 4.0, "4 to 16": 16.0, "over 16": np.inf}
"""Names and upper ends of KL, in nats."""


def disagreement(analysis: Analysis) -> Table:
    """A line a method and pair of scorers, a column a bucket of KL."""
    records, body = [], list[Row]()
    for method, group in _texts(analysis.run).groupby("method", sort=False):
        for pair in combinations(SCORERS, 2):
            found = {str(bucket): _agreement(texts, pair) for bucket, texts in group.groupby("bucket", observed=True)}
            records += [_record(str(method), pair, bucket, each) for bucket, each in found.items()]
            cells = (_cell(found.get(bucket)) for bucket in BUCKETS)
            body.append((method_label(analysis.run.kinds[str(method)]), " and ".join(pair), *cells))
    head, data = ("method", "judges", *BUCKETS), pd.DataFrame(records)
    return Table("disagreement", "Where scorers disagree", _DISAGREEMENT, data, head, tuple(body), text=2)


def _texts(run: RunData) -> pd.DataFrame:
    """Report samples of evaluated policies with their method and bucket, best-of-n's picks left out."""
    if not weights_of(run.config):
        return pd.DataFrame({"method": [], "bucket": []})
    rows = run.ok[run.ok.n.isna()].set_index("row_id")
    samples = run.samples[(run.samples.split == REPORT) & run.samples.row_id.isin(rows.index)]
    edges = [-np.inf, *BUCKETS.values()]
    kl = samples.row_id.map(rows.kl).astype(float)
    return samples.assign(method=samples.row_id.map(rows.method), bucket=pd.cut(kl, edges, labels=list(BUCKETS)))


def _agreement(texts: pd.DataFrame, pair: tuple[str, str]) -> Agreement:
    one, other = (texts[SCORERS[scorer]].to_numpy(dtype=float) for scorer in pair)
    rng = np.random.default_rng(SEED)
    return agreement(one, other, texts.row_id.to_numpy(str), texts.prompt_id.to_numpy(str), rng)


def _cell(found: Agreement | None) -> Value:
    if found is None:
        return missing("no policy in this range")
    if not found.disagree.defined:
        return missing(found.disagree.reason)
    share, r = found.disagree, found.correlation
    correlation = f" (r {plus_minus(r.point, float('nan'))})" if r.defined else ""
    note = f"{found.pairs} pairs, {share.n} prompts; r {r}"
    return Value(plus_minus(share.point, share.error, decimals=2) + correlation, why=note)


def _record(method: str, pair: tuple[str, str], bucket: str, found: Agreement) -> dict[str, object]:
    numbers = {
        f"{name}{end}": getattr(estimate, field)
        for name, estimate in (("disagree", found.disagree), ("correlation", found.correlation))
        for end, field in (("", "point"), ("_low", "low"), ("_high", "high"))
    }
    where = {"method": method, "one": pair[0], "other": pair[1], "kl_bucket": bucket}
    return {**where, "pairs": found.pairs, "prompts": found.disagree.n, **numbers}
