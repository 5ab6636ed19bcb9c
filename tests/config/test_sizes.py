"""Sizes that the config alone refutes: one line that names the number that would do, from every command."""

import pytest

from bench.cli import main
from bench.config.compose import compose
from bench.errors import ConfigError

REFUTED = {
    "pairs.n=2900": "pairs.n + pairs.held_out = 3156 is more than the 3000 prompts of the split 'pairs'; "
    "set world.splits.pairs to at least 3156, or lower it",
    "sft.batch=8001": "sft.batch = 8001 is more than the 8000 prompts of the split 'sft'",
    "gold.prompts=5937": "gold.prompts + 64 of its audit = 6001 is more than the 6000 prompts of the split 'gold'",
    "reference.prompts=2001": "reference.prompts = 2001 is more than the 2000 prompts of the split 'rl'",
    "evaluation.monitor_prompts=2000": "evaluation.monitor_prompts + 1 = 2001 is more than the 2000 prompts",
    "evaluation.monitor_prompts=1953": "evaluation.monitor_prompts + prompts a step of method.ppo = 2001 is more",
    "evaluation.report_prompts=129": "evaluation.report_prompts = 129 is more than the 128 prompts of the split",
    "evaluation.select_prompts=129": "evaluation.select_prompts = 129 is more than the 128 prompts of the split",
    "pool.report_prompts=129": "pool.report_prompts = 129 is more than the 128 prompts of the split",
    "pool.select_prompts=129": "pool.select_prompts = 129 is more than the 128 prompts of the split",
    "evaluation.probe_pairs=257": "evaluation.probe_pairs = 257 is more than pairs.held_out = 256; use at most 256",
    "proxies.policy_sized.batch=1537": "proxies.policy_sized.batch = 1537 is more than pairs.n = 1536",
    "proxies.policy_sized.pairs=1537": "proxies.policy_sized.pairs = 1537 is more than pairs.n = 1536",
    "proxies.policy_sized.pairs=63": "proxies.policy_sized.batch = 64 is more than proxies.policy_sized.pairs = 63",
    "method.dpo.batch=1537": "method.dpo.batch = 1537 is more than pairs.n = 1536; use at most 1536, or raise pairs.n",
    "method.ppo.batch=47": "method.ppo: minibatch 48 is more than batch 47; use at most 47",
    "method.bon.n=[1,512]": "method.bon.n = 512 is more than pool.samples_per_prompt = 256; use at most 256",
    "method.bon.n=[1,2,2]": "method.bon.n: n [1, 2, 2] must be increasing; use [1, 2]",
}
LARGEST = ["pairs.n=2744", "gold.prompts=5936", "reference.prompts=2000", "evaluation.monitor_prompts=1952"]
LARGEST += [
    "evaluation.report_prompts=128",
    "evaluation.probe_pairs=256",
    "method.dpo.batch=1536",
    "proxies.policy_sized.pairs=1536",
    "proxies.policy_sized.pairs=64",
    "pool.report_prompts=128",
]


@pytest.mark.parametrize("word", REFUTED)
def test_a_size_that_cannot_be_is_refused_as_it_is_read(word):
    with pytest.raises(ConfigError) as caught:
        compose(["smoke", word])
    assert str(caught.value).startswith(REFUTED[word])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("word", LARGEST)
def test_the_number_that_the_line_names_will_do(word):
    compose(["smoke", word])


def test_no_command_plans_it(tmp_path, capsys):
    for command in ("plan", "run"):
        assert main([command, "smoke", "evaluation.report_prompts=500", f"store={tmp_path / 's'}"]) == 2
        assert "evaluation.report_prompts = 500 is more than the 128 prompts" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
