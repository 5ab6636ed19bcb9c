"""Every setting of a suite, changed alone: the kinds of stages whose keys it changes are those stated here.

What says how, how often or how strictly one measures reaches no training.
"""

import re

import pytest
from pydantic import ValidationError

from bench.config.compose import compose
from bench.config.suite import SuiteConfig
from bench.pipeline.plan import build_plan

ROWS = {"measure", "bon", "null"}
LEARNED = {"pairs", "proxy", "train", *ROWS}
NOTHING: set[str] = set()
REFUSED: set[str] = {"refused"}
"""Changed alone, the setting would do nothing, or contradict another; so it is refused."""

REACHES = {
    r"name|title|scale|methods|losses|claims|claim_replicates|replicates": NOTHING,
    r"evaluation\.save|reference\.min_gold_rubric_corr": NOTHING,
    r"world\..*": {"world", "sft", "gold", "units", "reference", "pool", *LEARNED},
    r"sft\..*": {"sft", "units", "reference", "pool", *LEARNED},
    r"gold\..*": {"gold", "units", "reference", "pool", *LEARNED},
    r"reference\.(prompts|samples_per_prompt)": {"units", *LEARNED},
    r"pairs\..*": LEARNED,
    r"proxies\.policy_sized\..*": {"proxy", "train", *ROWS},
    r"proxies\.small\..*": {"proxy", "train", "measure", "bon"},
    r"proxies\.small\.model\..*": {"sft", "proxy", "train", "measure", "bon"},  # the LM of its size, too
    r"proxies\.permuted\..*": {"proxy", "train", "measure"},
    r"pool\.samples_per_prompt": {"pool", "bon"},
    r"pool\.(report|select)_prompts": {"pool", "bon"},
    r"evaluation\.(report_prompts|select_prompts|reference_samples)": {
        "reference",
        *ROWS,
    },  # the pool that centres scores
    r"evaluation\.(samples_per_prompt|probe_pairs)": {"measure", "null"},
    # Which policies a training saves, and how fast it may move: they decide weights.
    r"evaluation\.(monitor_prompts|monitor_every|rows_per_budget|diverged_factor)|budgets": {"train", "measure"},
    r"method\.(ppo|dpo|ipo|slic|ppo_gold|ppo_noise)\..*": {"train", "measure"},
    r"proxies\.\w+\.steps": REFUSED,  # of distillation
    r"method\.(dpo|ipo|slic)\.(refresh_every|steps|label|labelled_by|order|noise_model)": REFUSED,  # of fresh pairs
    r"method\.bon\.n": {"bon"},
    r"method\.reference\.evaluations": {"null"},
    r"method\.\w+\.(proxy|beta|beta_by_proxy)(\..*)?": NOTHING,  # other cells; none of those that stay
    r"method\.(dpo|ipo|slic|ppo_gold|ppo_noise)\.beta_by_proxy": REFUSED,  # of a proxy that is not run
}
NAMED = {
    "name": "other",
    "title": "other",
    "scale": "small",
    "methods": ["ppo", "dpo", "bon"],
    "claims": [{"kind": "turn", "name": "DPO turns", "method": "dpo", "kl": 8.0}],
    "losses": {"mine": "0" * 64},
    "budgets": [0.5, 1, 2],
    "sft.model.width": 128,
    "sft.model.heads": 2,
    "gold.model.width": 320,
    "gold.model.heads": 10,
    "proxies.*.model.width": 128,
    "proxies.*.model.heads": 1,
    "gold.weights": {"facts": 2.0},
    "world.slots": 7,
    "evaluation.save": "none",
    "pairs.source": "best_of_2",
    "pairs.label": "argmax",
    "pool.report_prompts": 31,
    "pool.select_prompts": 7,
    "evaluation.report_prompts": 119,
    "proxies.*.init": "scratch",
    "proxies.*.labels": "permuted",
    "proxies.permuted.labels": "gold",
    "proxies.*.reading": "last",
    "proxies.*.pairs": 4096,
    "method.*.f": "exponential",
    "method.*.noise_model": "robust",
    "method.*.data": "best_of_2",
    "method.*.refresh_every": 1,
    "method.*.labelled_by": "gold",
    "method.*.label": "argmax",
    "method.*.order": "shuffled",
    "method.*.label_smoothing": 0.1,
    "method.*.gae_lambda": 0.9,
    "method.*.proxy": ["small"],
    "method.*.beta": [0.07],
    "method.*.beta_by_proxy": {"small": [0.07]},
    "method.bon.n": [1, 2],
}
"""New values where one more, or half, is none. Types are left out: another type is another set of fields."""


def leaves(value, at=""):
    for key, inner in value.items():
        path = f"{at}.{key}".lstrip(".")
        if isinstance(inner, dict) and inner and key not in ("beta_by_proxy", "weights"):
            yield from leaves(inner, path)
        elif key not in ("type", "replay"):
            yield path, inner


SUITE = compose(["overopt", "method.ppo.beta=[0]", "method.dpo.beta=[.1]", "method.ipo.beta=[.1]", "claims=[]"])[0]
LEAVES = dict(leaves(SUITE.model_dump(mode="json")))


def keys(suite):
    """Of each stage by its name, the key; of cells, by the settings that name them."""
    return {name: stage.key for name, stage in build_plan(suite, 1).stages.items()}


BEFORE = keys(SUITE)


def changed_to(path, old):
    named = [
        value
        for pattern, value in NAMED.items()
        if re.fullmatch(pattern.replace(".", r"\.").replace("*", r"\w+"), path)
    ]
    return named[-1] if named else old + 2 if isinstance(old, int) else old / 2 if old else 0.25


def with_value(path, value):
    values = SUITE.model_dump(mode="json")
    *above, last = path.split(".")
    node = values
    for part in above:
        node = node[part]
    node[last] = value
    return SuiteConfig.model_validate(values)


@pytest.mark.parametrize("path", LEAVES)
def test_a_setting_reaches_the_stages_that_are_stated(path):
    stated = [kinds for pattern, kinds in REACHES.items() if re.fullmatch(pattern, path)]
    if stated[-1] is REFUSED:
        with pytest.raises(ValidationError):
            with_value(path, changed_to(path, LEAVES[path]))
        return
    suite = with_value(path, changed_to(path, LEAVES[path]))
    assert suite != SUITE
    after = keys(suite)
    changed = {name.split("/")[0] for name, key in after.items() if BEFORE.get(name, key) != key}
    assert changed == stated[-1]


def test_nothing_that_only_measures_reaches_a_training():
    """The table itself: settings of measurement, of gates, of claims and of what is kept."""
    measuring = [path for path in LEAVES if path.startswith(("pool.", "claim"))]
    measuring += [f"evaluation.{name}" for name in ("save", "report_prompts", "select_prompts", "samples_per_prompt")]
    measuring += ["evaluation.probe_pairs", "evaluation.reference_samples", "reference.min_gold_rubric_corr"]
    for path in measuring:
        stated = [kinds for pattern, kinds in REACHES.items() if re.fullmatch(pattern, path)][-1]
        assert not stated & {"world", "sft", "gold", "units", "pairs", "proxy", "train"}, path
