"""From a method's config to its sampler and loss. The dict below is every trained method there is."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import GPTNeoXForSequenceClassification

from bench.config.methods import MethodConfig, PPOConfig, PreferenceConfig, ReinforceConfig, SFTMethodConfig
from bench.core.seeds import seed_of
from bench.core.types import Pairs, Prompts, Score
from bench.lm.policy import TransformerPolicy
from bench.losses.base import Loss
from bench.losses.likelihood import Likelihood, better_first
from bench.losses.ppo import PPO, TransformerCritic
from bench.losses.preference import Preference
from bench.losses.reinforce import Reinforce
from bench.rewards.model import RewardModel, with_zero_head
from bench.samplers.base import Sampler
from bench.samplers.on_policy import OnPolicy
from bench.samplers.online import OnlinePairs, Rounds
from bench.samplers.replay import Replay
from bench.samplers.stored import StoredPairs


@dataclass(frozen=True)
class Materials:
    """What a method may use: never gold, only a score or labelled pairs; `gold_label` scores pairs to be labelled.

    `replayed` are the pairs that another run drew, where the method is to be taught them.
    """

    reference: TransformerPolicy
    score: Score
    gold_label: Score
    prompts: Prompts
    pairs: Callable[[], Pairs]
    replayed: Callable[[], Pairs]
    max_new_tokens: int
    eos_id: int
    pad_id: int
    seed: int
    score_is_gold: bool = False  # labels made from the score then count
    losses: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)  # those that are not built in


@dataclass(frozen=True)
class Method:
    """A sampler, a loss, and how long to run them: `steps`, or fewer where KL settles and it `may_settle`."""

    sampler: Sampler
    loss: Loss
    steps: int
    lr: float
    max_grad_norm: float
    may_settle: bool = True


def _on_policy(given: Materials, batch: int, samples_per_prompt: int = 1, score: Score | None = None) -> OnPolicy:
    return OnPolicy(
        given.prompts,
        given.reference,
        score or given.score,
        batch,
        given.max_new_tokens,
        given.eos_id,
        given.pad_id,
        given.seed,
        samples_per_prompt,
    )


def _ppo(config: PPOConfig, beta: float, given: Materials) -> Method:
    loss = PPO(
        TransformerCritic(new_critic(given)),
        beta,
        config.minibatch,
        config.epochs,
        config.clip,
        config.value_clip,
        config.gae_lambda,
        config.critic_lr,
        given.max_new_tokens,
    )
    loss = loss.to(given.prompts.ids.device)
    return Method(_on_policy(given, config.batch), loss, config.steps, config.lr, config.max_grad_norm)


def new_critic(given: Materials) -> RewardModel:
    """A critic that starts with pi_ref's trunk and values everything at 0."""
    config = copy.deepcopy(given.reference.model.config)
    config.num_labels = 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("critic", given.seed))
        model = GPTNeoXForSequenceClassification(config)
    return RewardModel(with_zero_head(given.reference.model, model))


def _reinforce(config: ReinforceConfig, beta: float, given: Materials) -> Method:
    sampler = _on_policy(given, config.batch, config.samples_per_prompt)
    loss = Reinforce(beta, config.advantage, config.samples_per_prompt, given.max_new_tokens)
    return Method(sampler, loss, config.steps, config.lr, config.max_grad_norm)


def _preference(config: PreferenceConfig, beta: float, given: Materials) -> Method:
    own = given.losses.get(config.f)
    loss = Preference(config.f, beta, config.label_smoothing, config.noise_model, own)
    sampler, steps = _pairs(config, given)
    repeats = config.replay is not None and config.order == "recorded"  # a run that has ended already
    return Method(sampler, loss, steps, config.lr, config.max_grad_norm, may_settle=not repeats)


def _pairs(config: PreferenceConfig, given: Materials) -> tuple[Sampler, int]:
    """Where a preference loss's pairs come from, and how many steps they last."""
    if config.replay is not None:
        replay = Replay(given.replayed(), config.batch, config.order, given.seed)
        return replay, replay.steps
    if config.refresh_every == "never":
        stored = StoredPairs(given.pairs(), config.batch, given.seed)
        return stored, config.epochs * stored.steps_per_epoch
    by_gold = config.labelled_by == "gold"
    rollouts = _on_policy(given, 2 * config.batch, 2, given.gold_label if by_gold else given.score)
    online = OnlinePairs(rollouts, config.label, given.seed, by_gold or given.score_is_gold)
    if config.refresh_every == 1:
        return online, config.steps
    return Rounds(online, config.refresh_every, given.reference), config.steps


def _sft(config: SFTMethodConfig, beta: float | None, given: Materials) -> Method:
    pairs = given.pairs()
    pairs = better_first(pairs, given.score) if config.target == "best_of_2" else pairs
    stored = StoredPairs(pairs, config.batch, given.seed)
    steps = config.epochs * stored.steps_per_epoch
    return Method(stored, Likelihood(config.target, given.max_new_tokens), steps, config.lr, config.max_grad_norm)


BUILDERS: dict[str, Callable[..., Method]] = {
    "ppo": _ppo,
    "reinforce": _reinforce,
    "preference": _preference,
    "sft": _sft,
}


def build_method(config: MethodConfig, beta: float | None, given: Materials) -> Method:
    """The sampler and loss of one cell of a method, at one strength beta (None where it has none)."""
    return BUILDERS[config.type](config, beta, given)
