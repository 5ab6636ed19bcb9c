"""Symptom: a run killed in its second epoch resumes in another order of pairs, or with another optimizer state."""

from functools import partial

import pytest
import toy_artifacts
from toy_kill import Killed, contents, killed_at

from bench.config.suite import SuiteConfig
from bench.core.records import read_parquet
from bench.losses.ppo import PPO
from bench.methods.imitation import SFTMethodConfig
from bench.methods.ppo import PPOConfig
from bench.methods.preference import PreferenceConfig

EPOCHS = 3
METHODS = {
    "dpo": PreferenceConfig.sweep(beta=(0.1,), epochs=EPOCHS, batch=8, lr=1e-3),
    "sft": SFTMethodConfig.sweep(epochs=EPOCHS, batch=8, lr=1e-3),
    "ppo": PPOConfig.sweep(beta=(0.01,), steps=4, batch=8, minibatch=4, epochs=EPOCHS, lr=1e-3),
}
CELLS = {"dpo": "dpo-policy_sized-b0.1-r0", "sft": "sft-policy_sized-r0", "ppo": "ppo-policy_sized-b0.01-r0"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    changed = {"method": METHODS, "methods": tuple(METHODS)}
    suite = SuiteConfig.model_validate({**toy_artifacts.SUITE.model_dump(), **changed})
    return toy_artifacts.build(tmp_path_factory.mktemp("artifacts"), suite)


@pytest.fixture(scope="module")
def unbroken(built, tmp_path_factory):
    """Each cell's bytes, run without a break."""
    folders = {name: tmp_path_factory.mktemp(name) for name in METHODS}
    for name, folder in folders.items():
        toy_artifacts.run_stage(built[0], CELLS[name], built[1], folder)
    return folders


def steps_of(folder):
    return len((folder / "train" / "log.jsonl").read_text().splitlines())


def demand_same(folder, other):
    want, got = contents(folder), contents(other)
    assert want.keys() == got.keys()
    assert [name for name in want if want[name] != got[name]] == []


@pytest.mark.parametrize("where", ["first step", "middle", "last step"])
@pytest.mark.parametrize("name", ["dpo", "sft"])
def test_a_kill_in_each_epoch_in_turn_ends_with_the_same_bytes(built, unbroken, tmp_path, monkeypatch, name, where):
    per_epoch = len(read_parquet(built[1]["pairs/r0"] / "pairs.parquet").query("split == 'train'")) // 8
    assert steps_of(unbroken[name]) == EPOCHS * per_epoch  # it did not settle: every epoch is there
    at = {"first step": 0, "middle": per_epoch // 2, "last step": per_epoch - 1}[where]
    run = partial(toy_artifacts.run_stage, built[0], CELLS[name], built[1], tmp_path)
    for epoch in range(EPOCHS):
        killed_at(epoch * per_epoch + at, run, monkeypatch)
    run()
    demand_same(unbroken[name], tmp_path)


def test_a_kill_in_each_pass_over_a_batch_ends_with_the_same_bytes(built, unbroken, tmp_path, monkeypatch):
    """PPO passes over a batch several times: a step that is cut within is done again as a whole."""
    assert steps_of(unbroken["ppo"]) == 4
    run, forward, updates = partial(toy_artifacts.run_stage, built[0], CELLS["ppo"], built[1], tmp_path), PPO.forward, 2
    for epoch in range(EPOCHS):
        calls = 0

        def dies(self, policy, minibatch, last=2 * EPOCHS * updates + updates * epoch + 1):
            nonlocal calls
            calls += 1
            if calls == last:  # the second minibatch of this pass, three steps after the attempt began
                raise Killed
            return forward(self, policy, minibatch)

        with monkeypatch.context() as patch:
            patch.setattr(PPO, "forward", dies)
            with pytest.raises(Killed):
                run()
    run()
    demand_same(unbroken["ppo"], tmp_path)
