"""From a table to curves: the name of a policy, the split of prompts, and the errors of incomplete tables."""

import numpy as np
import pandas as pd
import pytest
from toy_table import LINE, OFFSET, replicates, table

from bench.errors import ConfigError
from bench.stats import TableError, at_kl, compare, curve, example_frame, fit, hump_test, peak
from bench.stats.frame import curves, halves


def test_the_halves_depend_on_names_alone_and_are_even():
    names = [f"prompt {i}" for i in range(101)]
    split = halves(names)
    assert split == halves(reversed(names))
    assert sorted(split.values()).count("report") == 50


def test_the_policy_is_named_by_policy_then_step_then_equal_kl():
    df = table(LINE, offset_P=OFFSET)
    by_kl, by_step = df.drop(columns="policy"), df.rename(columns={"policy": "step"})
    assert at_kl(by_kl, 4) == at_kl(by_step, 4) == at_kl(df, 4)
    assert curves(df.assign(step=0))[0].row_ids[0] == "policy 0"


def test_responses_of_one_policy_to_one_prompt_are_averaged_first():
    df = table(LINE, offset_P=OFFSET)
    twice = pd.concat([df.assign(gold=df["gold"] + 1), df.assign(gold=df["gold"] - 1)])
    assert at_kl(twice, 4).n == 3
    assert at_kl(twice, 4).error == pytest.approx(at_kl(df, 4).error)


GOOD = table(LINE, prompts=8)


@pytest.mark.parametrize(
    ("df", "message"),
    [
        (GOOD.drop(columns=["gold", "prompt"]), "missing column 'gold', 'prompt'; the table has replicate, policy, kl"),
        (GOOD.iloc[:0], "no rows"),
        (GOOD.assign(gold=np.where(GOOD.index < 2, np.nan, GOOD["gold"])), "column 'gold' has 2 missing"),
        (GOOD.assign(prompt=GOOD["prompt"].where(GOOD.index > 0)), "column 'prompt' has 1 missing"),
        (GOOD[GOOD["prompt"] == "p0"], "one prompt"),
        (GOOD.iloc[1:], "policy 0 has no row for prompt p0; evaluate every policy"),
        (GOOD.drop(columns="policy").assign(kl=GOOD["kl"] + GOOD.index / 99), "add a column `policy`"),
        (GOOD.assign(split="test"), "unknown split 'test'; choose from select, report"),
        (GOOD.assign(split="select"), "no prompt of split 'report'"),
        (GOOD[GOOD["kl"] <= 4], "replicate 0: no policies on both sides of 8 nats within a factor 2; it has 0, 1, 2"),
    ],
)
def test_an_incomplete_table_names_what_is_missing(df, message):
    with pytest.raises(TableError, match=message):
        at_kl(df, 8)


def test_selection_needs_prompts_on_both_sides():
    with pytest.raises(TableError, match="no prompt of split 'select'"):
        peak(GOOD.assign(split="report"))
    with pytest.raises(TableError, match="one prompt"):
        peak(GOOD[GOOD["prompt"].isin(["p0", "p1"])])
    split = np.where(GOOD["prompt"] < "p4", "select", "report")
    with pytest.raises(TableError, match="other policies on its select prompts"):
        peak(GOOD.assign(split=split)[(GOOD["policy"] > 0) | (split == "report")])


def test_arguments_out_of_range_and_tables_that_do_not_pair():
    with pytest.raises(ConfigError, match="above 0"):
        at_kl(GOOD, 0)
    with pytest.raises(ConfigError, match="unknown form 'gao'; choose from bon, rl"):
        fit(GOOD, "gao")
    with pytest.raises(TableError, match=r"gold at pi_ref is 0.30.*subtract"):
        fit(GOOD, "bon")
    with pytest.raises(TableError, match="2 rows past pi_ref"):
        fit(GOOD[GOOD["kl"] <= 2].assign(gold=0.0), "bon")
    with pytest.raises(TableError, match="replicate 1: in one table only"):
        compare(GOOD, replicates([LINE, LINE], prompts=8), 4)
    with pytest.raises(TableError, match="share no prompt"):
        compare(GOOD, GOOD.assign(prompt="q" + GOOD["prompt"]), 4)
    apart = pd.concat([GOOD[GOOD["kl"] > 4].assign(replicate=i) for i in (1, 2)] + [GOOD[GOOD["kl"] <= 4]])
    with pytest.raises(TableError, match="share no range"):
        curve(apart)


def test_the_table_is_left_as_it_is():
    df = example_frame(replicates=1)
    before = df.copy()
    for call in (curve, peak, lambda t: at_kl(t, 8), lambda t: hump_test(t, 32), lambda t: fit(t, "rl")):
        call(df)
    pd.testing.assert_frame_equal(df, before)
