"""Losses and f's that are broken on purpose: each fails the checks that it breaks, and no other."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bench.checks.plugins import (
    F_CHECKS,
    METHOD_CHECKS,
    NotConforming,
    check_f,
    check_method,
    failures,
)
from bench.losses.base import Loss
from bench.losses.preference import logratios
from bench.methods.base import Method
from bench.samplers.stored import StoredPairs

BETA = 0.1


class Sound(Loss):
    """DPO. The others differ from it in one thing."""

    name = "sound"

    def __init__(self, inputs):
        super().__init__()
        self.reference = [inputs.reference]  # in a list, so that it is no submodule

    def minibatches(self, policy, batch, generator):
        yield batch

    def loss(self, losses_B, policy, pairs):
        return losses_B.mean()

    def forward(self, policy, minibatch):
        chosen_B, rejected_B = logratios(policy, minibatch)
        losses_B = F.softplus(-BETA * (chosen_B - rejected_B))
        tokens = float(minibatch.chosen.lengths.sum() + minibatch.rejected.lengths.sum())
        return self.loss(losses_B, policy, minibatch), {"tokens": tokens, **self.info()}

    def info(self):
        return {}

    def parameter_groups(self):
        return []


class ReadsPadding(Sound):
    """A mean over columns, padding among them."""

    def loss(self, losses_B, policy, pairs):
        return losses_B.mean() / pairs.chosen.response_ids.shape[1]


class ReadsJunk(Sound):
    """Looks at tokens that the mask hides."""

    def loss(self, losses_B, policy, pairs):
        return (losses_B * (1 + pairs.chosen.response_ids[:, -1])).mean()


class RanksRows(Sound):
    """Weighs rows by their place."""

    def loss(self, losses_B, policy, pairs):
        return (losses_B * torch.arange(len(losses_B))).mean()


class Sums(Sound):
    """Grows with the batch."""

    def loss(self, losses_B, policy, pairs):
        return losses_B.sum()


class Whitens(Sound):
    """Scales by a statistic of the minibatch."""

    def loss(self, losses_B, policy, pairs):
        return (losses_B * pairs.chosen.lengths / pairs.chosen.lengths.double().mean()).mean()


class Imitates(Sound):
    """Pulls towards chosen responses, whatever the labels say."""

    def loss(self, losses_B, policy, pairs):
        return losses_B.mean() - 0.01 * logratios(policy, pairs)[0].mean()


class Remembers(Sound):
    """Has state that nobody saves."""

    seen = 0

    def minibatches(self, policy, batch, generator):
        self.seen += 1
        yield batch

    def loss(self, losses_B, policy, pairs):
        return losses_B.mean() / self.seen


class Gambles(Sound):
    """Picks rows by a global random generator."""

    def minibatches(self, policy, batch, generator):
        yield batch[torch.randperm(len(batch))[: len(batch) // 2]]


class SpoilsTheReference(Sound):
    def minibatches(self, policy, batch, generator):
        with torch.no_grad():
            next(self.reference[0].parameters()).add_(1e-3)
        yield batch


class LogsNothingness(Sound):
    def info(self):
        return {"margin": float("nan")}


class HidesAParameter(Sound):
    """Its scale is never passed to the optimizer."""

    def __init__(self, inputs):
        super().__init__(inputs)
        self.scale = nn.Parameter(torch.ones(()))

    def loss(self, losses_B, policy, pairs):
        return self.scale * losses_B.mean()


class Sleeps(Sound):
    """Pulls nothing."""

    def loss(self, losses_B, policy, pairs):
        return 0 * losses_B.mean()


class Explodes(Sound):
    def loss(self, losses_B, policy, pairs):
        return (losses_B.mean() - 5).log()


BROKEN_LOSSES = {
    Sound: set(),
    ReadsPadding: {"its loss: padding"},
    ReadsJunk: {"its loss: padding"},
    RanksRows: {"its loss: order", "its loss: splitting"},
    Sums: {"its loss: splitting"},
    Whitens: {"its loss: splitting"},
    Imitates: {"its loss: silence"},
    Remembers: {"resumes exactly"},
    Gambles: {"repeats itself", "resumes exactly"},
    SpoilsTheReference: {"starts at the reference"},
    LogsNothingness: {"logs"},
    HidesAParameter: {"its loss: parameters"},
    Sleeps: {"its loss: finite", "starts at the reference"},
}


def method_of(loss):
    def build(inputs):
        return Method(StoredPairs(inputs.pairs(), 8, inputs.seed), loss(inputs), steps=6, lr=1e-2, max_grad_norm=1.0)

    return build


@pytest.mark.parametrize(("loss", "breaks"), BROKEN_LOSSES.items(), ids=lambda x: getattr(x, "__name__", ""))
def test_a_broken_loss_fails_where_it_breaks(loss, breaks):
    assert set(failures(METHOD_CHECKS, method_of(loss))) == breaks


def test_a_loss_that_is_not_finite_is_named():
    found = failures(METHOD_CHECKS, method_of(Explodes))
    assert found["its loss: finite"] == "a loss is nan"
    assert "at step 0 the loss is not finite in 1 of 1 entries" in found["logs"]


BROKEN_FS = {
    "sound": (lambda x: F.softplus(-x), set()),
    "pushes apart": (F.softplus, {"pulls the right way"}),
    "negative": (lambda x: -torch.tanh(x), {"pulls the right way"}),
    "overflows": (lambda x: torch.exp(-4 * x), {"finite"}),
    "centred": (
        lambda x: F.softplus(x.mean() - x),
        {"each pair by itself", "pulls the right way", "slope matches differences"},
    ),
    "averaged": (lambda x: F.softplus(-x).mean()[None], set(F_CHECKS)),
    "rounded": (lambda x: F.softplus(-x.float()), set(F_CHECKS) - {"finite"}),
    "detached": (lambda x: F.softplus(-x) * torch.sigmoid(-x).detach(), {"slope matches differences"}),
}


@pytest.mark.parametrize(("f", "breaks"), BROKEN_FS.values(), ids=BROKEN_FS)
def test_a_broken_f_fails_where_it_breaks(f, breaks):
    assert set(failures(F_CHECKS, f)) == breaks


def test_all_failures_are_reported_together():
    with pytest.raises(NotConforming, match=r"2 of 16 checks failed\n  its loss: order: .*\n  its loss: splitting: "):
        check_method(method_of(RanksRows))
    with pytest.raises(AssertionError, match=r"f'\(0\) is 0.5"):
        check_f(F.softplus)
