"""One RLOO step, ours against TRL's `RLOOTrainer`: sampling, pi_ref's log-probs, loss and update.

128 rollouts, four per prompt, full vocabulary at temperature 1, at most 64 tokens, one update. On both sides the reward
is the length and the learning rate is almost 0, so both keep sampling from the same policy. TRL runs with its defaults
on a CPU in float32, without activation checkpointing. Its step also recomputes the log-probs of the sampling policy,
which ours does not need.
"""

import statistics
from tempfile import mkdtemp
from typing import Any

from bench.core.types import Sequences
from bench.methods.base import MethodInputs
from bench.methods.reinforce import ReinforceConfig
from bench.training.loop import Trainer
from benchmarks.material import MAX_NEW_TOKENS, WIDTHS, Material
from benchmarks.timing import Table, publish
from benchmarks.trl_steps import SETTINGS, TINY_RATE, Sides, compare, marked

BETA, BATCH, GROUP, PROMPTS = 0.05, 128, 4, 1024


def no_pairs() -> Any:
    raise AssertionError("RLOO has no pairs")


def our_trainer(inputs: Material) -> Trainer:
    """The harness's training loop with RLOO."""
    reference, tokenizer = inputs.policy().requires_grad_(False), inputs.tokenizer

    def length(samples: Sequences) -> Any:
        return samples.lengths.float()

    method_inputs = MethodInputs(
        reference=reference,
        score=length,
        prompts=inputs.prompts(PROMPTS),
        pairs=no_pairs,
        replayed=no_pairs,
        max_new_tokens=MAX_NEW_TOKENS,
        eos_id=tokenizer.eos_token_id,
        pad_id=tokenizer.pad_token_id,
        seed=0,
    )
    config = ReinforceConfig(batch=BATCH, samples_per_prompt=GROUP, lr=TINY_RATE, beta=BETA)
    method = config.build(method_inputs)
    return Trainer(inputs.policy(), method.sampler, method.loss, method.lr, method.max_grad_norm, seed=0)


def trl_trainer(inputs: Material, steps: int, tokens: list[int]) -> Any:
    """TRL's trainer on the same prompts. Its reward also records the number of sampled tokens per step."""
    from datasets import Dataset
    from trl import RLOOConfig, RLOOTrainer

    tokenizer = inputs.tokenizer

    def length(completion_ids: list[list[int]], **_: Any) -> list[float]:
        tokens.append(sum(map(len, completion_ids)))
        return [float(len(ids)) for ids in completion_ids]

    config = RLOOConfig(
        mkdtemp(),
        beta=BETA,
        per_device_train_batch_size=BATCH,
        num_generations=GROUP,
        max_completion_length=MAX_NEW_TOKENS,
        max_steps=steps,
        **SETTINGS,
    )
    return RLOOTrainer(
        model=inputs.policy().model,
        reward_funcs=length,
        args=config,
        train_dataset=Dataset.from_dict({"prompt": marked(tokenizer, inputs.texts(PROMPTS))}),
        processing_class=tokenizer,
    )


def sides(inputs: Material, steps: int) -> Sides:
    """Both trainers, with counts of sampled tokens."""
    sampled: list[int] = []
    ours, theirs = our_trainer(inputs), trl_trainer(inputs, steps, sampled)
    return Sides(ours, theirs, lambda: (ours.counts.tokens_sampled / ours.step, statistics.mean(sampled)))


def main() -> None:
    rows = [compare(width, 1, sides) for width in WIDTHS] + [compare(WIDTHS[0], 2, sides)]
    note = "128 rollouts a step, four to a prompt; tokens are those sampled in a step, its mean."
    publish("on_policy", Table("On-policy step: RLOO against TRL's `RLOOTrainer`", rows, note))


if __name__ == "__main__":
    main()
