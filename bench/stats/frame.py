"""Curves from a user's table: one row per evaluated policy, prompt and replicate.

The table holds one setting (one method at one strength). Scores of several responses of one policy to one prompt are
averaged first, so that standard errors are clustered by prompt. `by_policy` and `on_grid` turn curves into a table
again. `facade` calls it; `example_frame` makes a table with a known truth, for documentation and tests.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import GoldbenchError
from bench.stats.curves import Curve
from bench.stats.estimate import BY_PROMPT, OVER_REPLICATES, prompt_mean
from bench.stats.replicates import mean_curve

Float = NDArray[np.float64]
COLUMNS = ("kl", "gold", "proxy", "prompt", "replicate")
SPLITS = ("select", "report")
_NUMBERS = ["kl", "gold", "proxy"]
_EXAMPLE_KL = np.array([0, 0.5, 0.71, 1, 1.41, 2, 2.83, 4, 5.66, 8, 11.3, 16, 22.6, 32])  # nats


class TableError(GoldbenchError, ValueError):
    """A table that the statistic cannot be computed from. The message names what is missing and what to do."""


def curves(df: pd.DataFrame, selects: bool = False) -> list[Curve]:
    """One curve per replicate, in order of the replicates' names, with its policies in order of KL.

    With `selects`, rows are chosen on the select prompts and reported on the others: those of the column `split`
    ('select' or 'report'), or the halves that `halves` makes. Without it, all prompts are reported, or the report
    prompts alone where the table has a column `split`.
    """
    _check(df)
    policy = next((column for column in ("policy", "step") if column in df), "kl")
    table = df.assign(prompt=df["prompt"].astype(str))
    if selects and "split" not in table:
        table["split"] = table["prompt"].map(halves(table["prompt"].unique()))
    found = []
    for name, rows in table.groupby("replicate", sort=True):
        parts = {split: rows[rows["split"] == split] for split in SPLITS} if "split" in rows else {"report": rows}
        needed = SPLITS if selects else ("report",)
        report, *select = (_means(f"replicate {name}", parts[split], split, policy) for split in reversed(needed))
        found.append(_curve(f"replicate {name}", policy, report, select[0] if select else None))
    return found


def check_origin(curve: Curve, tolerance: float = 0.1) -> None:
    """Raise TableError if gold at pi_ref is clearly more than `tolerance` from 0. A table without pi_ref passes."""
    start = prompt_mean(curve.gold_RP[0])
    if curve.starts_at_reference and (start.low > tolerance or start.high < -tolerance):
        raise TableError(f"{curve.cell}: gold at pi_ref is {start}, not 0; subtract pi_ref's mean from gold")


def by_policy(first: Curve) -> pd.DataFrame:
    """One row per policy of a replicate, with t intervals over prompts."""
    columns: dict[str, object] = {"d": first.d, "kl": first.kl}
    for name, values_RP in (("gold", first.gold_RP), ("proxy", first.proxy_RP)):
        made = [prompt_mean(values_P) for values_P in values_RP]
        ends = {name: "point", f"{name}_low": "low", f"{name}_high": "high"}
        columns |= {column: [getattr(e, end) for e in made] for column, end in ends.items()}
    return pd.DataFrame(columns | {"n": first.prompts, "method": BY_PROMPT})


def on_grid(found: Sequence[Curve], points: int) -> pd.DataFrame:
    """The mean over replicates on a grid in d, with t intervals over replicates."""
    columns: dict[str, object] = {}
    for name in ("gold", "proxy"):
        band = mean_curve([c.d for c in found], [getattr(c, name) for c in found], points)
        if band is None:
            raise TableError("the replicates share no range of KL; compare their smallest and largest `kl`")
        columns |= {"d": band.d, "kl": band.d**2, name: band.mean, f"{name}_low": band.low, f"{name}_high": band.high}
    return pd.DataFrame(columns | {"n": len(found), "method": OVER_REPLICATES})


def halves(prompts: Iterable[str]) -> dict[str, str]:
    """'select' or 'report' for each prompt: in the order of their SHA-256, every other prompt selects.

    The split depends on the prompts' names alone, so all replicates and all settings share it.
    """
    ordered = sorted(prompts, key=lambda prompt: sha256(prompt.encode()).hexdigest())
    return {prompt: SPLITS[i % 2] for i, prompt in enumerate(ordered)}


def example_frame(
    replicates: int = 5, prompts: int = 48, seed: int = 0, height: float = 1.0, spread: float = 0.1
) -> pd.DataFrame:
    """A made-up table with a known hump, for trying the functions out.

    Gold is d (a - b d) with d = sqrt(KL) and its peak of `height` at 6.25 nats; the height varies over replicates with
    standard deviation `spread`. The proxy is d / 2. A prompt has a level (sd .3), the same for every seed, and a score
    has noise (sd .5).

    Example:
        >>> from bench.stats import example_frame
        >>> df = example_frame(replicates=3)
        >>> len(df)  # 3 replicates x 14 policies x 48 prompts
        2016
        >>> sorted(df.columns)
        ['gold', 'kl', 'policy', 'prompt', 'proxy', 'replicate']
    """
    rng, d = np.random.default_rng([seed, 3]), np.sqrt(_EXAMPLE_KL)
    shape = (replicates, len(d), prompts)
    heights = rng.normal(height, spread, replicates)
    gold = heights[:, None, None] * (d * (0.8 - 0.16 * d))[:, None]
    level = np.random.default_rng(0).normal(0, 0.3, prompts)
    level -= level.mean()  # gold's mean under pi_ref is 0
    names = (range(replicates), [f"policy-{i}" for i in range(shape[1])], [f"prompt-{i}" for i in range(prompts)])
    df = pd.MultiIndex.from_product(names, names=["replicate", "policy", "prompt"]).to_frame(index=False)
    df["kl"] = (_EXAMPLE_KL[:, None] * (1 + rng.normal(0, 0.2, shape))).ravel()
    df["gold"] = (gold + level + rng.normal(0, 0.5, shape)).ravel()
    df["proxy"] = (d[:, None] / 2 + rng.normal(0, 0.5, shape)).ravel()
    return df


def _check(df: pd.DataFrame) -> None:
    missing = [column for column in COLUMNS if column not in df]
    if missing:
        raise TableError(
            f"missing column {', '.join(map(repr, missing))}; the table has {', '.join(map(str, df.columns))}; "
            f"needed are {', '.join(COLUMNS)}"
        )
    if not len(df):
        raise TableError("the table has no rows; it needs one per evaluated policy, prompt and replicate")
    for column in (c for c in (*COLUMNS, "policy", "step", "split") if c in df):
        bad = ~np.isfinite(df[column].to_numpy(dtype=float)) if column in _NUMBERS else df[column].isna().to_numpy()
        if bad.any():
            raise TableError(f"column {column!r} has {bad.sum()} missing or infinite values; fill or drop those rows")
    if "split" in df and not set(df["split"]) <= set(SPLITS):
        unknown = sorted(set(map(str, df["split"])) - set(SPLITS))
        raise TableError(f"unknown split {unknown[0]!r}; choose from {', '.join(SPLITS)}")


@dataclass(frozen=True, eq=False)
class _Means:
    """Prompt means [R, P] of one replicate's policies on one split, in order of KL."""

    policies: tuple[object, ...]
    prompts: tuple[str, ...]
    kl_RP: Float
    gold_RP: Float
    proxy_RP: Float


def _means(cell: str, table: pd.DataFrame, split: str, policy: str) -> _Means:
    if not len(table):
        raise TableError(f"{cell} has no prompt of split {split!r}; evaluate every replicate on both splits")
    wide = table.groupby([table[policy].rename("policy"), "prompt"])[_NUMBERS].mean().unstack("prompt")
    absent = wide["gold"].isna()
    if absent.to_numpy().any():
        row, column = np.argwhere(absent.to_numpy())[0]
        fix = "evaluate every policy on every prompt, or drop that prompt"
        if policy == "kl":
            fix = "`kl` differs between prompts, so add a column `policy` that tells which rows are of one policy"
        raise TableError(f"{cell}: {policy} {absent.index[row]} has no row for prompt {absent.columns[column]}; {fix}")
    wide = wide.iloc[np.argsort(wide["kl"].mean(axis=1).to_numpy(), kind="stable")]
    values = (wide[name].to_numpy(dtype=float) for name in _NUMBERS)
    return _Means(tuple(wide.index), tuple(absent.columns), *values)


def _curve(cell: str, policy: str, report: _Means, select: _Means | None) -> Curve:
    if len(report.prompts) < 2:
        raise TableError(f"{cell} has one prompt to report; an interval needs two, beside those that choose rows")
    kl_select = gold_select = np.full(len(report.policies), np.nan)
    if select is not None:
        if set(select.policies) != set(report.policies):
            raise TableError(f"{cell} has other policies on its select prompts; evaluate every policy on both splits")
        place = [select.policies.index(name) for name in report.policies]
        kl_select, gold_select = select.kl_RP.mean(1)[place], select.gold_RP.mean(1)[place]
    root = np.sqrt(len(report.prompts))
    return Curve(
        cell=cell,
        row_ids=tuple(f"{policy} {name}" for name in report.policies),
        kl=report.kl_RP.mean(1),
        gold=report.gold_RP.mean(1),
        gold_se=report.gold_RP.std(1, ddof=1) / root,
        proxy=report.proxy_RP.mean(1),
        kl_se=report.kl_RP.std(1, ddof=1) / root,
        kl_select=kl_select,
        gold_select=gold_select,
        gold_RP=report.gold_RP,
        proxy_RP=report.proxy_RP,
        kl_RP=report.kl_RP,
        prompt_ids=report.prompts,
    )
