"""From a method's config to its sampler and loss. The dict below is every trained method there is."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from transformers import GPTNeoXForSequenceClassification

from bench.config.methods import MethodConfig, PPOConfig, PreferenceConfig
from bench.core.seeds import seed_of
from bench.core.types import Prompts, Score
from bench.lm.model import TransformerPolicy
from bench.methods.base import Loss, Pairs, Sampler
from bench.methods.losses import Preference
from bench.methods.ppo import PPO, TransformerCritic
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


@dataclass(frozen=True)
class Method:
    """A sampler, a loss, and how long to run them."""

    sampler: Sampler
    loss: Loss
    steps: int
    lr: float
    max_grad_norm: float


def _ppo(config: PPOConfig, beta: float, given: Materials) -> Method:
    device = given.prompts.ids.device
    sampler = OnPolicy(
        given.prompts,
        given.reference,
        given.score,
        config.batch,
        given.max_new_tokens,
        given.eos_id,
        given.pad_id,
        given.seed,
    )
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
    return Method(sampler, loss.to(device), config.steps, config.lr, config.max_grad_norm)


def new_critic(given: Materials) -> RewardModel:
    """A critic that starts with pi_ref's trunk and values everything at 0."""
    config = copy.deepcopy(given.reference.model.config)
    config.num_labels = 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("critic", given.seed))
        model = GPTNeoXForSequenceClassification(config)
    return RewardModel(with_zero_head(given.reference.model, model))


def _preference(config: PreferenceConfig, beta: float, given: Materials) -> Method:
    sampler = StoredPairs(given.pairs(), config.batch, given.seed)
    steps = config.epochs * sampler.steps_per_epoch
    return Method(sampler, Preference(config.f, beta), steps, config.lr, config.max_grad_norm)


BUILDERS: dict[str, Callable[..., Method]] = {
    "ppo": _ppo,
    "preference": _preference,
}


def build_method(config: MethodConfig, beta: float, given: Materials) -> Method:
    """The sampler and loss of one cell of a method, at one strength beta."""
    return BUILDERS[config.type](config, beta, given)
