"""`proxies.NAME.pairs`: a fit to the first so many pairs, and what rows say of it."""

import pandas as pd
import pytest
import toy_artifacts

from bench.config.suite import SuiteConfig
from bench.core.records import read_parquet
from bench.engine.files import read_json
from bench.pipeline.artifacts.pairs import PairsArtifact
from bench.rewards.config import BradleyTerryConfig

BON = "bon-policy_sized-r0"


@pytest.mark.parametrize("pairs", [None, 8, 24])
def test_a_proxy_is_fitted_to_the_first_pairs_and_its_rows_say_how_many(monkeypatch, tmp_path, pairs):
    fit, given = BradleyTerryConfig.fit, []

    def watched(self, inputs):
        given.append(inputs.pairs)
        return fit(self, inputs)

    monkeypatch.setattr(BradleyTerryConfig, "fit", watched)
    proxy = {"model": toy_artifacts.SIZE, "batch": 8, "init": "scratch", "pairs": pairs}
    suite = SuiteConfig.model_validate({**toy_artifacts.SUITE.model_dump(), "proxies": {"policy_sized": proxy}})
    plan, folders = toy_artifacts.build(tmp_path, suite)
    name = "proxy/policy_sized/r0"
    folders[name] = tmp_path / "fitted"
    toy_artifacts.run_stage(plan, name, folders, folders[name])
    every = PairsArtifact(folders["pairs/r0"]).split("train")
    n = pairs or len(every)
    pd.testing.assert_frame_equal(given[0], every.head(n))
    assert read_json(folders[name] / "calibration.json")["pairs"] == n
    toy_artifacts.run_stage(plan, BON, folders, tmp_path / "bon")
    rows = read_parquet(tmp_path / "bon" / "rows.parquet")
    assert set(rows["proxy_pairs_n"]) == {n}
    assert set(rows["pairs_n"]) == {len(every)}


def test_distillation_reads_no_pairs_and_refuses_their_number():
    with pytest.raises(ValueError, match="pairs=8 does nothing with labels=distilled"):
        BradleyTerryConfig(labels="distilled", pairs=8)
