"""Errors planted in the functions that `bench run` calls: the named check must fail, and must pass without them.

A check that cannot fail proves nothing. Each error here is one that harnesses of this kind have had.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from planting import assert_caught, method, swap

from bench.core.masking import masked_sum
from bench.core.types import Sequences, positions
from bench.lm import kl
from bench.lm.generate import generate, pick
from bench.lm.logprobs import Reader, sequence_logps
from bench.losses import advantages, likelihood, reinforce
from bench.losses import preference as losses
from bench.losses.preference import Preference, logratios
from bench.measure import best_of_n
from bench.measure.evaluate import clustered
from bench.measure.scoring import win_rate
from bench.rewards.units import Units, within_prompt_sd
from bench.samplers.online import Rounds, first_is_chosen
from gold.labels import Labels, label

rao_blackwell_kl, sequence_kl, k1_kl = kl.rao_blackwell_kl, kl.sequence_kl, kl.k1_kl
token_rewards, gae = advantages.token_rewards, advantages.gae
better_first = likelihood.better_first
next_token_logps, init = Reader.next_token_logps, Preference.__init__


def kl_over_the_prompt(policy, reference, sequences, size=128):
    ids, mask = sequences.prompt_ids, sequences.prompt_mask
    p, q = (x(ids, mask, positions(mask)).log_softmax(-1).detach() for x in (policy, reference))
    said = sequence_kl(policy, reference, sequences, size)
    return replace(said, kl_B=said.kl_B + rao_blackwell_kl(p[:, :-1], q[:, :-1], mask[:, 1:]))


def mask_without_eos(policy, prompts, max_new_tokens, eos_id, pad_id, generator):
    drawn = generate(policy, prompts, max_new_tokens, eos_id, pad_id, generator)
    mask = drawn.response_mask & (drawn.response_ids != eos_id)
    return Sequences(drawn.prompt_ids, drawn.prompt_mask, drawn.response_ids, mask)


def one_token_late(self, index, part):
    return next_token_logps(self, index, part).roll(1, 1)


def top_p(logits_BV, uniform_B):
    ordered, at = logits_BV.softmax(-1).sort(descending=True)
    outside = (ordered.cumsum(-1) - ordered > 0.9).gather(-1, at.argsort(-1))
    return pick(logits_BV.masked_fill(outside, -torch.inf), uniform_B)


def penalty_of_the_wrong_sign(score_B, logps_BT, ref_logps_BT, mask_BT, beta):
    return token_rewards(score_B, logps_BT, ref_logps_BT, mask_BT, -beta)


def whitened_rewards(score_B, logps_BT, ref_logps_BT, mask_BT, beta):
    score_B = (score_B - score_B.mean()) / score_B.std()
    return token_rewards(score_B, logps_BT, ref_logps_BT, mask_BT, beta)


def paid_at_the_first_token(score_B, logps_BT, ref_logps_BT, mask_BT, beta):
    rewards_BT = token_rewards(0 * score_B, logps_BT, ref_logps_BT, mask_BT, beta)
    return rewards_BT + torch.nn.functional.one_hot(0 * mask_BT.sum(1), mask_BT.shape[1]) * score_B[:, None]


def bootstrap_past_the_end(rewards_BT, values_BT, mask_BT, lam):
    after_BT = torch.nn.functional.pad(values_BT, (0, 1))[:, 1:] * (~torch.nn.functional.pad(mask_BT, (0, 1))[:, 1:])
    return gae(rewards_BT + after_BT * mask_BT, values_BT, mask_BT, lam)


def discounted(rewards_BT, values_BT, mask_BT, lam):
    by_place = 0.99 ** torch.arange(rewards_BT.shape[1])
    return gae(rewards_BT * by_place, values_BT, mask_BT, lam)


def sides_swapped(policy, pairs):
    return logratios(policy, pairs)[::-1]


def reference_of_the_next_pair(policy, pairs):
    wrong = replace(pairs, ref_chosen_B=pairs.ref_chosen_B.roll(1), ref_rejected_B=pairs.ref_rejected_B.roll(1))
    return logratios(policy, wrong)


def mean_over_tokens(policy, sequences):
    return sequence_logps(policy, sequences) / sequences.lengths


def itself_left_in(score_B, penalty_B, G):
    returns_PG = (score_B - penalty_B).view(-1, G)
    return (returns_PG - returns_PG.mean(1, keepdim=True)).flatten()


def penalty_scaled_too(score_B, penalty_B, G):
    returns_PG = (score_B - penalty_B).view(-1, G)
    centred_PG = returns_PG - returns_PG.mean(1, keepdim=True)
    return (centred_PG / returns_PG.std(1, unbiased=False, keepdim=True).clamp_min(1e-6)).flatten()


def ties_by_order(proxy, n):
    weights = np.zeros(len(proxy))
    weights[np.argsort(proxy, kind="stable")] = best_of_n.rank_weights(len(proxy), n)
    return weights


def unclustered(table, column):
    return float(table[column].mean()), float(table[column].sem())


def argmax_labels(gold_M2, config, rng):
    first = gold_M2[:, 0] > gold_M2[:, 1]
    return Labels(first, first.astype(float), np.zeros(len(first), bool))


PLANTED = {
    "KL over the prompt": (swap(sequence_kl, kl_over_the_prompt), "kl/expected rao-blackwell, flatter"),
    "KL per token": (
        swap(rao_blackwell_kl, lambda p, q, mask: rao_blackwell_kl(p, q, mask) / mask.sum(1)),
        "kl/expected rao-blackwell, sharper",
    ),
    "KL the other way round": (
        swap(rao_blackwell_kl, lambda p, q, mask: rao_blackwell_kl(q, p, mask)),
        "kl/expected rao-blackwell, sharper",
    ),
    "k1 of the wrong sign": (swap(k1_kl, lambda p, q, mask: k1_kl(q, p, mask)), "kl/sampled k1, flatter"),
    "padding counted": (
        swap(masked_sum, lambda values, mask: values.sum(-1)),
        "generator/log-probs, as a loss gathers them",
    ),
    "padding counted in KL": (swap(masked_sum, lambda values, mask: values.sum(-1)), "kl/expected k1, sharper"),
    "mask ends before EOS": (swap(generate, mask_without_eos), "generator/mask ends at EOS or at T"),
    "log-probs one token late": (
        method(Reader, "next_token_logps", one_token_late),
        "generator/log-probs, as a measurement does",
    ),
    "sampling at temperature .8": (swap(pick, lambda x, u: pick(x / 0.8, u)), "generator/frequencies, chi-square p"),
    "sampling from the top 90%": (swap(pick, top_p), "generator/frequencies, chi-square p"),
    "a transformer sampled at temperature .8": (
        swap(pick, lambda x, u: pick(x / 0.8, u)),
        "transformer/frequencies, chi-square p",
    ),
    "standard errors without clusters": (swap(clustered, unclustered), "kl/coverage of rao-blackwell, sharper"),
    "KL penalty of the wrong sign": (
        swap(token_rewards, penalty_of_the_wrong_sign),
        "policy-gradient/expected gradient, RLOO",
    ),
    "rewards whitened": (swap(token_rewards, whitened_rewards), "targets/in quotas, RLOO"),
    "score paid at the first token": (
        swap(token_rewards, paid_at_the_first_token),
        "policy-gradient/expected gradient, PPO, wrong critic",
    ),
    "GAE bootstraps past EOS": (
        swap(gae, bootstrap_past_the_end),
        "policy-gradient/advantages by exact values, lambda 0",
    ),
    "rewards discounted": (swap(gae, discounted), "policy-gradient/expected gradient, PPO, wrong critic"),
    "leave-one-out leaves nothing out": (
        swap(reinforce.leave_one_out, itself_left_in),
        "policy-gradient/expected gradient, RLOO",
    ),
    "GRPO scales the penalty": (
        swap(reinforce.group_standardized, penalty_scaled_too),
        "policy-gradient/expected gradient, GRPO of two",
    ),
    "the worse of two imitated": (
        swap(likelihood.better_first, lambda pairs, score: better_first(pairs, lambda rows: -score(rows))),
        "minimisers/slope at what is imitated, best_of_2",
    ),
    "flips not divided out": (
        swap(losses.robust, lambda f, e, x: (1 - e) * f(x) - e * f(-x)),
        "losses/robust about flips, logistic",
    ),
    "rounds written by the policy as it is": (
        method(Rounds, "draw", lambda self, policy, step, counts: self.inner.draw(policy, step, counts)),
        "online/a round without end",
    ),
    "chosen and rejected swapped": (swap(logratios, sides_swapped), "minimisers/slope at the minimiser, logistic"),
    "reference of the wrong pair": (
        swap(logratios, reference_of_the_next_pair),
        "minimisers/slope at the minimiser, squared",
    ),
    "beta applied twice": (
        method(Preference, "__init__", lambda self, f, beta, *noise: init(self, f, beta**2, *noise)),
        "minimisers/slope at the minimiser, exponential",
    ),
    "margins averaged over tokens": (swap(sequence_logps, mean_over_tokens), "losses/IPO at beta = 2 tau"),
    "online labels reversed": (
        swap(first_is_chosen, lambda *given: ~first_is_chosen(*given)),
        "online/labels come as sigmoid of the margin",
    ),
    "ties broken by order": (swap(best_of_n.best_of_n_weights, ties_by_order), "best-of-n/gold over all subsets, ties"),
    "gold not sorted with the proxy": (
        swap(best_of_n.best_of_n_weights, lambda proxy, n: best_of_n.rank_weights(len(proxy), n)),
        "best-of-n/gold over all subsets",
    ),
    "log n for the KL of best-of-n": (swap(best_of_n.analytic_kl, np.log), "best-of-n/analytic KL by quadrature"),
    "proxy not centred": (
        method(Units, "_centred", lambda self, raw, prompt_ids: np.asarray(raw, float)),
        "units/pi_ref at 0",
    ),
    "centred over all prompts": (
        method(Units, "_centred", lambda self, raw, prompt_ids: raw - np.mean(raw)),
        "units/shift and scale of the proxy",
    ),
    "spread between prompts in the unit": (
        swap(within_prompt_sd, lambda scores, prompt_ids: float(np.std(scores))),
        "units/gold's sd is 1",
    ),
    "ties lose": (swap(win_rate, lambda score, pool: float((score > pool).mean())), "units/pi_ref wins half"),
    "labels without chance": (swap(label, argmax_labels), "units/labels come as sigmoid of the margin"),
}


@pytest.mark.parametrize("error", PLANTED)
def test_a_planted_error_fails_its_check(error, monkeypatch):
    plant, check = PLANTED[error]
    assert_caught(plant, check, monkeypatch)
