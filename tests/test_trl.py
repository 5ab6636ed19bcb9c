"""Against TRL: its DPO loss, and the project's two fits through its trainers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import toy_lm
import trl_oracle
from safetensors.torch import load_file

from bench.core.types import Pairs, Sequences
from bench.lm.codec import encode
from bench.lm.logprobs import batched_sequence_logps, sequence_logps
from bench.lm.policy import load_policy
from bench.losses.preference import Preference
from bench.rewards.model import load_reward_model
from bench.rewards.readings import load


@pytest.fixture(scope="module")
def trl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What TRL said, in a folder."""
    folder, root = tmp_path_factory.mktemp("trl"), Path(__file__).parents[1]
    path = os.pathsep.join([str(root), str(root / "tests" / "toys")])
    for alone in ([], ["alone"]):
        done = subprocess.run(
            [sys.executable, trl_oracle.__file__, str(folder), *alone],
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            cwd=folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
    return folder


def side(name: str) -> Sequences:
    table = trl_oracle.pairs()
    return encode(toy_lm.tokenizer(), *(table[c].tolist() for c in ("prompt", name, f"{name}_eos")))


def test_dpo_loss_and_gradients_are_trls(trl):
    models = trl_oracle.models()
    sides = [toy_lm.padded(side(name), left=3, right=2) for name in ("chosen", "rejected")]
    pairs = Pairs(*sides, *(batched_sequence_logps(models.reference, one) for one in sides))
    loss, _ = Preference("logistic", trl_oracle.BETA)(models.policy, pairs)
    # Both in float32; rotations, masks and the sum over tokens are ordered otherwise: 1e-7 relative, some ten steps.
    assert loss.item() == pytest.approx(json.loads((trl / "dpo.json").read_text())["loss"], rel=1e-5)
    loss.backward()
    want = load_file(trl / "dpo.safetensors")
    got = {k: p.grad for k, p in models.policy.model.named_parameters()}
    assert got.keys() == want.keys()
    largest = max(float(g.abs().max()) for g in want.values())
    assert largest > 1e-2
    for name in want:
        torch.testing.assert_close(got[name], want[name], rtol=1e-3, atol=1e-5 * largest, msg=lambda m, n=name: n + m)


def test_sft_trains_on_response_tokens_and_eos_alone(trl):
    # At a rate of 1e-12 the reported loss is the mean token loss of the model it starts from, which it also writes.
    policy = load_policy(trl / "sft", "cpu")
    rows = encode(toy_lm.tokenizer(), *trl_oracle.demonstrations())
    want = -sequence_logps(policy, rows).sum().item() / rows.lengths.sum().item()
    assert json.loads((trl / "fits.json").read_text())["sft"] == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("init", ["lm", "scratch"])
def test_a_proxys_loss_is_bradley_terry_on_the_scores_that_are_read_later(trl, init):
    model = load_reward_model(trl / init, "cpu")
    margin = (model.score(side("chosen")) - model.score(side("rejected"))).double().numpy()
    want = np.logaddexp(0, -margin).mean()
    # The head has moved by less than 1e-10; rel 1e-5 is TRL's rounding of the logged mean.
    assert json.loads((trl / "fits.json").read_text())[init] == pytest.approx(want, rel=1e-5)
    assert (np.abs(margin) < 1e-6).all() == (init == "lm")


def test_a_proxy_from_an_lm_has_its_trunk(trl):
    lm, proxy = load_policy(trl / "sft", "cpu").model.gpt_neox, load_reward_model(trl / "lm", "cpu").model.gpt_neox
    scratch = load_reward_model(trl / "scratch", "cpu").model.gpt_neox
    weights = lm.state_dict()
    assert all(torch.allclose(v, weights[k], rtol=0, atol=1e-9) for k, v in proxy.state_dict().items())
    assert not torch.allclose(scratch.embed_in.weight, lm.embed_in.weight, atol=1e-3)


@pytest.mark.parametrize("reading", trl_oracle.READINGS)
def test_a_fit_leaves_no_trace_in_the_next_one_of_its_process(trl, reading):
    weights = [load_file(trl / name / reading / "model.safetensors") for name in ("alone", "after_others")]
    assert weights[0]["score.weight" if reading == "last" else "word.weight"].abs().max() > 0
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize("reading", trl_oracle.READINGS)
def test_a_fit_of_every_reading_learns_the_pairs_that_it_is_given(trl, reading):
    scorer = load(trl / "alone" / reading, "cpu")
    margin = scorer.score(side("chosen")) - scorer.score(side("rejected"))
    assert torch.nn.functional.softplus(-margin).mean() < 0.6  # a coin has .69


def test_the_usual_length_is_that_of_the_pairs(trl):
    want = torch.cat([side("chosen").lengths, side("rejected").lengths]).double().mean().item()
    assert load(trl / "alone" / "tokens", "cpu").model.config.usual_length == pytest.approx(want)


def test_no_trainer_state_is_left_behind(trl):
    for stage in ("sft", "lm", "scratch"):
        names = {item.name for item in (trl / stage).iterdir()}
        assert {"config.json", "model.safetensors"} <= names
        assert "trainer" not in names
