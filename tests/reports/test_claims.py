import dataclasses

import pytest

from reports.claims import verdicts
from reports.load import load


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ({"kind": "hump", "method": "ppo"}, "observed"),
        ({"kind": "hump", "method": "ppo", "beta": 0.1}, "undecided"),
        ({"kind": "hump", "method": "ppo", "proxy": "small"}, "undecided"),
        ({"kind": "higher_peak", "method": "ppo"}, "undecided"),
    ],
)
def test_a_declared_claim_gets_a_verdict_or_a_reason(built, claim, verdict):
    run = load(built)
    declared = dataclasses.replace(run, config={**run.config, "claims": [{"name": "it humps", **claim}]})
    (judged,) = verdicts(declared)
    assert (judged["name"], judged["verdict"]) == ("it humps", verdict)
    assert judged["number"] or judged["reason"]
