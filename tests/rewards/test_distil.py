import numpy as np
import pytest
import torch
import toy_artifacts
import toy_lm

from bench.config.suite import SuiteConfig
from bench.core.records import read_parquet
from bench.engine.files import read_json
from bench.errors import DivergedError
from bench.rewards.config import BradleyTerryConfig
from bench.rewards.distil import distil, residual
from bench.rewards.model import load_reward_model


def _distil(gold, **changes):
    student = toy_lm.reward_model(seed=2)
    config = BradleyTerryConfig(labels="distilled", batch=32, lr=1e-2, **changes)
    policy = toy_lm.policy().requires_grad_(False)
    metrics = distil(config, student, policy, gold, toy_lm.tokenizer(), toy_lm.PROMPTS, 8, 0, "cpu", lambda event: None)
    return student, metrics["distilled_residual"]


def test_the_residual_is_what_differs_within_prompts():
    gold = torch.tensor([1.0, 3.0, 10.0, 10.0])
    score = torch.tensor([7.0, 7.0, 0.0, 4.0])
    # errors (6, 4) and (-10, -6), less their means (1, -1) and (-2, 2): squares 1, 1, 4, 4
    assert residual(score, gold, 2).item() == 2.5
    assert residual(gold + torch.tensor([5.0, 5.0, -2.0, -2.0]), gold, 2).item() == 0.0


def test_a_gold_of_the_students_own_kind_is_learned_and_noise_is_not():
    gold = toy_lm.reward_model(seed=1)
    student, learned = _distil(gold.score, steps=120)
    assert learned < 0.1
    assert not student.training
    generator = torch.Generator().manual_seed(0)
    _, noise = _distil(lambda drawn: torch.randn(len(drawn), generator=generator), steps=120)
    assert noise > 0.95


def test_a_gold_that_is_not_finite_is_a_divergence_that_names_gold():
    with pytest.raises(DivergedError, match="at step 0 gold's score is not finite in 64 of 64 entries"):
        _distil(lambda drawn: torch.full((len(drawn),), float("nan")), steps=2)


def test_the_stage_writes_a_proxy_that_holds_more_of_gold_with_more_steps(tmp_path):
    """The stage reads no label to train: gold's scores of fresh samples alone, in logits."""

    def built(steps):
        proxy = {"model": toy_artifacts.SIZE, "init": "scratch", "reading": "last", "labels": "distilled"}
        proxy |= {"steps": steps, "lr": 1e-2}
        changed = {"proxies": {"policy_sized": proxy}, "methods": ("bon",)}
        suite = SuiteConfig.model_validate({**toy_artifacts.SUITE.model_dump(), **changed})
        plan, folders = toy_artifacts.build(tmp_path / str(steps), suite)
        name = "proxy/policy_sized/r0"
        metrics = toy_artifacts.run_stage(plan, name, folders, tmp_path / f"proxy{steps}")
        return metrics, folders, tmp_path / f"proxy{steps}"

    (few, _, _), (many, folders, folder) = built(1), built(60)
    assert few["gold_corr_pi_ref"] < many["gold_corr_pi_ref"] > 0.5
    assert many["distilled_residual"] < 0.8
    pool = read_parquet(folders["units"] / "samples.parquet")
    raw = read_parquet(folder / "reference_scores.parquet")["proxy_raw"].to_numpy()
    scale = read_json(folders["units"] / "units.json")["gold_scale"]
    by_prompt = {
        name: values.reshape(-1, 8) - values.reshape(-1, 8).mean(axis=1, keepdims=True)
        for name, values in (("proxy", raw), ("gold", scale * pool["gold_raw"].to_numpy()))
    }
    slope = (by_prompt["proxy"] * by_prompt["gold"]).sum() / np.square(by_prompt["proxy"]).sum()
    assert slope == pytest.approx(1.0, abs=0.25)  # in gold's logits, not in a unit of its own
    assert load_reward_model(folder, "cpu").model.config.num_labels == 1
