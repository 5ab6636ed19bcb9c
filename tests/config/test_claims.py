"""Claims about two methods: their valid fields, and the cells that they replicate."""

import pytest
from pydantic import ValidationError

from bench.config.suite import SuiteConfig
from bench.methods.best_of_n import BestOfNConfig
from bench.methods.preference import PreferenceConfig
from bench.pipeline.plan import build_plan

METHODS = {
    "dpo": PreferenceConfig.sweep(beta=(0.01, 0.1)),
    "ipo": PreferenceConfig.sweep(f="squared", beta=(0.005, 0.05)),
}
CLAIM = {"name": "it", "kind": "coincide", "method": "dpo", "than": "ipo", "kl": 4}


def suite(**changes):
    return SuiteConfig(name="toy", method=METHODS, methods=("dpo", "ipo"), claims=[{**CLAIM, **changes}])


@pytest.mark.parametrize("kind", ["coincide", "higher_at", "better_classifier"])
@pytest.mark.parametrize(
    ("named", "betas"), [({}, (0.01, 0.005)), ({"beta": 0.1}, (0.1, 0.005)), ({"than_beta": 0.05}, (0.01, 0.05))]
)
def test_both_settings_get_the_replicates_of_claims(kind, named, betas):
    made = build_plan(suite(kind=kind, **named), 1)
    again = {name.rpartition("-r")[0] for name in made.cells if name.endswith("-r2")}
    assert again == {f"dpo-policy_sized-b{betas[0]:g}", f"ipo-policy_sized-b{betas[1]:g}"}


def test_a_method_without_strengths_may_be_the_other():
    methods = {**METHODS, "bon": BestOfNConfig.sweep()}
    made = SuiteConfig(name="toy", method=methods, methods=("dpo", "bon"), claims=[{**CLAIM, "than": "bon"}])
    assert made.claims[0].settings(methods) == [("dpo", "policy_sized", 0.01), ("bon", "policy_sized", None)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"than": "ipoo"}, "did you mean 'ipo'"),
        ({"than_beta": 0.3}, "which method.ipo does not run"),
        ({"kl": 0.5}, "greater than or equal to 1"),
        ({"margin": 0}, "greater than 0"),
        ({"kind": "higher_at", "margin": 0.1}, "Extra inputs"),
    ],
)
def test_an_invalid_claim_raises(wrong, message):
    with pytest.raises(ValidationError, match=message):
        suite(**wrong)
