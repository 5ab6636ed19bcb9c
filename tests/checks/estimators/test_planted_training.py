"""Errors planted away from the fixed point, and on the way to it: each edits one expression of the training code."""

import pytest
from planting import assert_caught, edit

from bench.losses.ppo import PPO
from bench.training.loop import Trainer
from bench.training.monitor import Monitor
from bench.training.track import Track

SURROGATE, SLOPE = "clipping/clipped surrogate", "clipping/clipped surrogate, gradient"
VALUE, VALUE_SLOPE = "clipping/clipped value error", "clipping/clipped value error, gradient"
TARGETS, WHITENED = "clipping/value targets, lambda 1", "clipping/value targets, whitened"
VISITS, PACE, RESUMED = "loop/each epoch visits each row once", "loop/pace multiplies the rate", "loop/resumed, PPO"
FAST, FREE, SETTLING = "governor/governor at speed .3", "governor/governor lets go", "governor/settling at the limit"
ONE_STEP, FOUR_STEPS = "loop/PPO's loop, one step", "loop/PPO's loop, four steps"
AGAIN = ("range(self.epochs):", "range(self.epochs):\n        experience = self.experience(batch)")

PLANTED = {
    "the maximum of the two terms": (PPO, "forward", "torch.minimum", "torch.maximum", SURROGATE),
    "upper clip at 1 + 10 x .2": (PPO, "forward", "1 + self.clip", "1 + 10 * self.clip", SLOPE),
    "lower clip at 1 - .02": (PPO, "forward", "1 - self.clip", "1 - self.clip / 10", SURROGATE),
    "only the clipped term": (PPO, "forward", "torch.minimum(ratio_BT * minibatch.advantages_BT,", "(", SURROGATE),
    "no clip of the value": (PPO, "forward", "torch.maximum((values_BT", "torch.minimum((values_BT", VALUE),
    "value clipped about 0": (PPO, "forward", "near_BT = minibatch.values_BT + ", "near_BT = ", VALUE_SLOPE),
    "targets lacking the old values": (PPO, "experience", "raw_BT + values_BT", "raw_BT", TARGETS),
    "targets of whitened advantages": (
        *(PPO, "experience", "raw_BT + values_BT", "advantages_BT + values_BT"),
        WHITENED,
    ),
    "lambda left out": (PPO, "experience", "self.gae_lambda", "1.0", "clipping/value targets, lambda .7"),
    "one epoch": (PPO, "minibatches", "range(self.epochs)", "range(1)", ONE_STEP),
    "rows in the order drawn": (
        *(PPO, "minibatches", "torch.randperm(len(experience), generator=generator)", "torch.arange(len(experience))"),
        VISITS,
    ),
    "last minibatch dropped": (
        *(PPO, "minibatches", "order.split(self.minibatch)", "order.split(self.minibatch)[:-1]"),
        VISITS,
    ),
    "experience made anew in each epoch": (PPO, "minibatches", *AGAIN, ONE_STEP),
    "gradients add up": (Trainer, "_updates", "self.optimizer.zero_grad(set_to_none=True)", "pass", ONE_STEP),
    "gradients not clipped": (Trainer, "_updates", "self.max_grad_norm", "1e9", FOUR_STEPS),
    "warm-up from 0": (Trainer, "_updates", "(self.step + 1) / WARMUP_STEPS", "self.step / WARMUP_STEPS", ONE_STEP),
    "pace ignored": (Trainer, "_updates", "rate * self.pace", "rate", PACE),
    "moments lost at a resume": (Trainer, "load", '"state": moments', '"state": {}', "loop/resumed, preference"),
    "critic lost at a resume": (Trainer, "load", 'self.loss.load_state_dict(part("loss."))', "pass", RESUMED),
    "step lost at a resume": (Trainer, "load", '= state["step"]', "= 0", RESUMED),
    "policy lost at a resume": (
        *(Trainer, "load", 'self.policy.load_state_dict(part("policy."))', "pass"),
        "loop/resumed, preference",
    ),
    "pace not handed on": (Track, "observe", "learner.pace = monitor.pace", "pass", FAST),
    "twice as fast": (Monitor, "pace", "times * LARGEST_MOVE", "2 * times * LARGEST_MOVE", FAST),
    "speed per step, whatever the pace": (
        *(Monitor, "pace", "last_effort + pace *", "last_effort + "),
        FAST,
    ),
    "never faster again": (Monitor, "pace", "FASTER ** (step - last_step) * pace", "pace", FREE),
    "settled while it falls": (Monitor, "settled", "abs(slope)", "slope", SETTLING),
    "settled in the first half": (Monitor, "settled", "planned_steps / 2", "planned_steps / 4", SETTLING),
    "settled by KL, not its log": (Monitor, "settled", "np.log(", "(", SETTLING),
}


@pytest.mark.parametrize("error", PLANTED)
def test_a_planted_error_fails_its_check(error, monkeypatch):
    *change, check = PLANTED[error]
    assert_caught(edit(*change), check, monkeypatch)
