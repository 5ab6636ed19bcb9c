import itertools
import math

import numpy as np
import pandas as pd
import pytest

from bench.core.records import ROW_COLUMNS, frame
from bench.measure.best_of_n import analytic_kl, measured_kl
from bench.pipeline.bon import row_of, weighted_corr

N = 8
AVERAGED = ("gold", "proxy", "rubric", "rubric_fact", "gold_raw", "proxy_raw", "proxy_z", "win_rate", "repetition")


def pool():
    """Three prompts with eight scored samples each, some of them tied."""
    rng, prompts = np.random.default_rng(0), ["a", "b", "s"]
    table = pd.DataFrame({"prompt_id": np.repeat(prompts, N), "split": np.repeat(["report", "report", "select"], N)})
    for name in AVERAGED:
        table[name] = rng.normal(size=len(table))
    table["proxy"] = rng.integers(0, 5, len(table)).astype(float)
    table["proxy_raw"] = 3 - table["proxy"]  # a negative scale: the calibrated proxy picks, not the raw one
    table["n_tokens"] = rng.integers(1, 30, len(table))
    table["eos"] = rng.random(len(table)) < 0.8
    return table


def picks(table, n):
    """The mean of each column over all n-subsets' best by proxy, for one prompt; a tie is a fair draw."""
    values, scores = table[[*AVERAGED, "n_tokens", "eos"]].astype(float).to_numpy(), table["proxy"].to_numpy()
    means = []
    for subset in itertools.combinations(range(N), n):
        best = [i for i in subset if scores[i] == scores[list(subset)].max()]
        means.append(values[best].mean(0))
    return dict(zip([*AVERAGED, "n_tokens", "eos"], np.mean(means, 0), strict=True))


@pytest.mark.parametrize("n", [1, 3, 8])
def test_a_row_is_the_mean_over_all_subsets(n):
    table = pool()
    row, by_prompt = row_of(table, n), {p: picks(group, n) for p, group in table.groupby("prompt_id")}
    for name in AVERAGED:
        assert row[name] == pytest.approx((by_prompt["a"][name] + by_prompt["b"][name]) / 2, abs=1e-12), name
    for name in ("gold", "proxy", "rubric", "win_rate"):  # two prompts: their standard error is half the gap
        assert row[f"{name}_se"] == pytest.approx(abs(by_prompt["a"][name] - by_prompt["b"][name]) / 2, abs=1e-12)
    assert row["length"] == pytest.approx((by_prompt["a"]["n_tokens"] + by_prompt["b"]["n_tokens"]) / 2)
    assert row["eos_rate"] == pytest.approx((by_prompt["a"]["eos"] + by_prompt["b"]["eos"]) / 2)
    assert row["gold_select"] == pytest.approx(by_prompt["s"]["gold"])
    assert row["proxy_select"] == pytest.approx(by_prompt["s"]["proxy"])
    assert row["n_prompts"] == 2
    assert row["kl_analytic"] == analytic_kl(n)


def test_one_of_n_is_pi_ref():
    table, row = pool(), row_of(pool(), 1)
    report = table[table["split"] == "report"]
    assert row["gold"] == pytest.approx(report["gold"].mean())
    assert row["kl"] == row["kl_se"] == row["kl_select"] == row["kl_per_token"] == 0.0
    centred = report[["gold", "rubric"]] - report.groupby("prompt_id")[["gold", "rubric"]].transform("mean")
    assert row["gold_rubric_corr"] == pytest.approx(np.corrcoef(centred["gold"], centred["rubric"])[0, 1])


def test_kl_is_the_mean_over_report_prompts_and_null_beyond_an_eighth_of_the_pool():
    table = pd.concat([pool().assign(copy=i) for i in range(2)]).sort_values("prompt_id", kind="stable")
    table = table.reset_index(drop=True)  # sixteen a prompt
    row = row_of(table, 2)
    kls = {p: measured_kl(g["proxy"].to_numpy(), 2) for p, g in table.groupby("prompt_id")}
    assert row["kl"] == pytest.approx((kls["a"] + kls["b"]) / 2)
    assert row["kl_se"] == pytest.approx(abs(kls["a"] - kls["b"]) / 2)
    assert row["kl_select"] == pytest.approx(kls["s"])
    assert math.isnan(row_of(table, 3)["kl"])
    assert pd.isna(frame([row_of(table, 3)], ROW_COLUMNS).loc[0, "kl"])


def test_the_order_of_the_pool_changes_nothing():
    table = pool()
    shuffled = table.sample(frac=1, random_state=0).reset_index(drop=True)
    assert row_of(shuffled, 3) == pytest.approx(row_of(table, 3), abs=1e-12, nan_ok=True)


def test_an_offset_and_a_positive_scale_of_the_proxy_leave_gold_alone():
    table = pool()
    moved = table.assign(proxy=table["proxy"] * 3 + table["prompt_id"].map({"a": 5.0, "b": -9.0, "s": 0.0}))
    assert row_of(moved, 4)["gold"] == row_of(table, 4)["gold"]
    assert row_of(moved, 4)["gold_se"] == row_of(table, 4)["gold_se"]


def test_one_pick_a_prompt_has_no_correlation():
    table = pool().assign(proxy=np.tile(np.arange(float(N)), 3))
    assert math.isnan(row_of(table, N)["gold_rubric_corr"])


def test_weighted_correlation_counts_copies():
    # Whole-number weights are copies: 1 2 1 over a, 2 1 1 over b, each prompt's total being 4.
    table = pd.DataFrame({"prompt_id": list("aaabbb"), "gold": [0.0, 1, 3, 2, 5, 9], "rubric": [1.0, 0, 2, 7, 7, 1]})
    times = pd.Series([1, 2, 1, 2, 1, 1])
    copies = table.loc[table.index.repeat(times)]
    centred = copies[["gold", "rubric"]] - copies.groupby("prompt_id")[["gold", "rubric"]].transform("mean")
    want = np.corrcoef(centred["gold"], centred["rubric"])[0, 1]
    assert weighted_corr(table, times / 4) == pytest.approx(want)
