import json

import numpy as np
import pytest

from reports.analysis.analysis import Analysis
from reports.read.load import load
from reports.read.logs import read_log
from reports.sections.trust.training import training


def test_a_line_cut_short_by_a_kill_is_left_out(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    assert read_log(path).to_dict("records") == [{"step": 1, "loss": 2.0}]
    assert len(read_log(tmp_path / "none.jsonl")) == 0


@pytest.fixture(scope="module")
def panels(built):
    return {panel.title: panel for panel in training(Analysis(load(built))).panels}


def test_each_quantity_has_the_cells_that_log_it(panels):
    assert [s.label for s in panels["PPO: clipped ratios"].series] == [
        f"PPO, β = {beta}, policy_sized" for beta in (0, 0.1)
    ]
    assert {s.method for s in panels["Preference: loss"].series} == {"dpo"}
    assert {s.method for s in panels["KL while training"].series} == {"ppo", "dpo"}


def test_thinned_lines_keep_the_mean_of_what_was_logged(panels, built):
    """KL is logged at odd steps as a tenth of the step: a line through the origin, which averaging keeps."""
    line = panels["KL while training"].series[0]
    np.testing.assert_allclose(line.y, 0.1 * line.x)
    log = [json.loads(text) for text in (built / "cells" / "ppo-b0-r0" / "log.jsonl").read_text().splitlines()]
    losses = panels["Preference: loss"].series[0]
    assert len(losses.x) <= 80 < len(log)
    assert losses.y[0] == pytest.approx(np.mean([1 / (1 + s) for s in range(1, 3)]))  # 149 steps in 80 runs: two first
