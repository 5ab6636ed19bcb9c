"""From a method's config to its sampler and loss. The dict below is every trained method there is."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import GPTNeoXForSequenceClassification

from bench.config.methods import MethodConfig, PPOConfig, PreferenceConfig, ReinforceConfig
from bench.core.seeds import seed_of
from bench.core.types import Prompts, Score
from bench.lm.model import TransformerPolicy
from bench.methods.base import Loss, Pairs, Sampler
from bench.methods.losses import Preference
from bench.methods.online import OnlinePairs
from bench.methods.ppo import PPO, TransformerCritic
from bench.methods.reinforce import Reinforce
from bench.methods.samplers import OnPolicy, StoredPairs
from bench.rewards.model import RewardModel, with_zero_head


@dataclass(frozen=True)
class Materials:
    """What a method may use: never gold, only a score or labelled pairs."""

    reference: TransformerPolicy
    score: Score
    prompts: Prompts
    pairs: Callable[[], Pairs]
    max_new_tokens: int
    eos_id: int
    pad_id: int
    seed: int
    score_is_gold: bool = False  # labels made from the score then count
    losses: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)  # those that are not built in


@dataclass(frozen=True)
class Method:
    """A sampler, a loss, and how long to run them."""

    sampler: Sampler
    loss: Loss
    steps: int
    lr: float
    max_grad_norm: float


def _on_policy(given: Materials, batch: int, samples_per_prompt: int = 1) -> OnPolicy:
    return OnPolicy(
        given.prompts,
        given.reference,
        given.score,
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
    loss = Reinforce(beta, config.baseline, config.samples_per_prompt, given.max_new_tokens)
    return Method(sampler, loss, config.steps, config.lr, config.max_grad_norm)


def _preference(config: PreferenceConfig, beta: float, given: Materials) -> Method:
    loss = Preference(config.f, beta, given.losses.get(config.f))
    if config.pairs == "online":
        rollouts = _on_policy(given, 2 * config.batch, 2)
        online = OnlinePairs(rollouts, config.online_label, given.seed, given.score_is_gold)
        return Method(online, loss, config.online_steps, config.lr, config.max_grad_norm)
    stored = StoredPairs(given.pairs(), config.batch, given.seed)
    return Method(stored, loss, config.epochs * stored.steps_per_epoch, config.lr, config.max_grad_norm)


BUILDERS: dict[str, Callable[..., Method]] = {
    "ppo": _ppo,
    "reinforce": _reinforce,
    "preference": _preference,
}


def build_method(config: MethodConfig, beta: float, given: Materials) -> Method:
    """The sampler and loss of one cell of a method, at one strength beta."""
    return BUILDERS[config.type](config, beta, given)
