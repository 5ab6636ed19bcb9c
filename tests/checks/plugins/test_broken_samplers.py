"""Samplers that are broken on purpose: each fails the checks that it breaks, and no other."""

from dataclasses import replace

import pytest
import torch

from bench.checks.plugins import SAMPLER_CHECKS, NotConforming, check_sampler, failures, toy_inputs
from bench.lm.logprobs import token_logps
from bench.samplers.base import Sampler
from bench.samplers.on_policy import OnPolicy
from bench.samplers.stored import StoredPairs


def stored(inputs):
    return StoredPairs(inputs.pairs(), 8, inputs.seed)


def on_policy(inputs):
    limits = (8, inputs.max_new_tokens, inputs.eos_id, inputs.pad_id, inputs.seed)
    return OnPolicy(inputs.prompts, inputs.reference, inputs.score, *limits)


class Wraps(Sampler):
    """A sound sampler, whose batch `spoil` changes."""

    name = "wraps"
    inner = staticmethod(stored)

    def __init__(self, inputs):
        self.inputs, self.sound = inputs, self.inner(inputs)

    def draw(self, policy, step, counts):
        return self.spoil(self.sound.draw(policy, step, counts), policy)

    def spoil(self, batch, policy):
        return batch


class Counts(Wraps):
    """Has hidden state: the number of calls."""

    calls = 0

    def spoil(self, batch, policy):
        self.calls += 1
        return batch[torch.arange(len(batch)).roll(self.calls)]


class Unseeded(Wraps):
    def spoil(self, batch, policy):
        return batch[torch.randperm(len(batch))]


class Nudges(Wraps):
    """Changes the policy that it samples from."""

    def spoil(self, batch, policy):
        with torch.no_grad():
            next(policy.parameters()).mul_(1.001)
        return batch


class Attached(Wraps):
    """Its log-probs carry a gradient."""

    inner = staticmethod(on_policy)

    def spoil(self, batch, policy):
        return replace(batch, ref_logps_BT=token_logps(self.inputs.reference, batch.sequences))


class OtherRows(Wraps):
    """The reference's log-probs of the pair before."""

    def spoil(self, batch, policy):
        return replace(batch, ref_chosen_B=batch.ref_chosen_B.roll(1))


class OfThePolicy(Wraps):
    """The policy's log-probs in the reference's place."""

    inner = staticmethod(on_policy)

    @torch.no_grad()
    def spoil(self, batch, policy):
        return replace(batch, ref_logps_BT=token_logps(policy, batch.sequences))


class Scoreless(Wraps):
    inner = staticmethod(on_policy)

    def spoil(self, batch, policy):
        return replace(batch, score_B=(0 * batch.score_B).log())


class Unmasked(Wraps):
    """A response without its first token."""

    inner = staticmethod(on_policy)

    def spoil(self, batch, policy):
        mask_BT = batch.sequences.response_mask.clone()
        mask_BT[:, 0] = False
        return replace(batch, sequences=replace(batch.sequences, response_mask=mask_BT))


class Free(Sampler):
    """Counts nothing."""

    name = "free"

    def __init__(self, inputs):
        self.sound = stored(inputs)

    def draw(self, policy, step, counts):
        return self.sound.draw(policy, step, replace(counts))


BROKEN_SAMPLERS = {
    stored: set(),
    on_policy: set(),
    Counts: {"depends on the step alone"},
    Unseeded: {"depends on the step alone", "uses no global randomness"},
    Nudges: {"changes nothing"},
    Attached: {"changes nothing"},
    OtherRows: {"has correct log-probs"},
    OfThePolicy: {"has correct log-probs"},
    Scoreless: {"is well formed"},
    Free: {"counts what it draws"},
}


@pytest.mark.parametrize(("build", "breaks"), BROKEN_SAMPLERS.items(), ids=lambda x: getattr(x, "__name__", ""))
def test_a_broken_sampler_fails_where_it_breaks(build, breaks):
    assert set(failures(SAMPLER_CHECKS, build)) == breaks


def test_a_mask_that_begins_late_is_named():
    """What log-probs its rows then have is up to the policy, so another check may fail as well."""
    assert failures(SAMPLER_CHECKS, Unmasked)["is well formed"] == "a response is empty, or padded on the wrong side"


def test_a_failing_check_is_raised_by_name():
    with pytest.raises(NotConforming, match="named streams"):
        check_sampler(Counts)


def test_toy_inputs_are_informative_or_not():
    inputs, silent = toy_inputs(), toy_inputs(informative=False)
    pairs = inputs.pairs()
    assert not torch.equal(pairs.ref_chosen_B, pairs.ref_rejected_B)
    assert torch.equal(silent.pairs().chosen.response_ids, silent.pairs().rejected.response_ids)
    assert inputs.score(pairs.chosen).std() > 0.5
    assert silent.score(pairs.chosen).abs().max() == 0
