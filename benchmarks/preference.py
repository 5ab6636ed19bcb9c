"""One step of the logistic preference loss, ours against TRL's `DPOTrainer`, on the same 64 pairs every time.

TRL's default computes the reference's log-probs in every step. The harness stores them with the pairs, as TRL does with
`precompute_ref_log_probs`. Both settings of TRL are timed.
"""

from functools import partial
from tempfile import mkdtemp
from typing import Any

from bench.losses.preference import Preference
from bench.samplers.stored import StoredPairs
from bench.training.loop import Trainer
from benchmarks.material import WIDTHS, Material
from benchmarks.timing import Table, publish
from benchmarks.trl_steps import SETTINGS, TINY_RATE, Sides, compare, marked

BETA, PAIRS = 0.1, 64


def our_trainer(inputs: Material) -> Trainer:
    """The harness's training loop on the pairs."""
    sampler = StoredPairs(inputs.pairs(PAIRS), PAIRS, seed=0)
    return Trainer(inputs.policy(), sampler, Preference("logistic", BETA), TINY_RATE, max_grad_norm=1.0, seed=0)


def trl_trainer(inputs: Material, steps: int, precomputed: bool) -> Any:
    """TRL's trainer on the same pairs, formatted so that its tokens equal ours."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    tokenizer, table = inputs.tokenizer, inputs.pair_table.head(PAIRS)
    dataset = {"prompt": marked(tokenizer, table["prompt"])}
    for side in ("chosen", "rejected"):
        dataset[side] = [f" {text} {tokenizer.eos_token}" for text in table[side]]
    config = DPOConfig(
        mkdtemp(),
        beta=BETA,
        per_device_train_batch_size=PAIRS,
        max_steps=steps,
        precompute_ref_log_probs=precomputed,
        **SETTINGS,
    )
    return DPOTrainer(
        model=inputs.policy().model,
        ref_model=inputs.policy().model,
        args=config,
        train_dataset=Dataset.from_dict(dataset),
        processing_class=tokenizer,
    )


def sides(inputs: Material, steps: int, precomputed: bool) -> Sides:
    """Both trainers, with counts of trained tokens."""
    ours, theirs = our_trainer(inputs), trl_trainer(inputs, steps, precomputed)
    tokens = sum(len(ids) for name in ("chosen_ids", "rejected_ids") for ids in theirs.train_dataset[name])
    return Sides(ours, theirs, lambda: (ours.counts.tokens_trained / ours.step, tokens))


def row(width: int, threads: int, precomputed: bool) -> dict[str, Any]:
    """One row of the table."""
    reference = "precomputed" if precomputed else "in the step (default)"
    return compare(width, threads, partial(sides, precomputed=precomputed), **{"TRL's reference": reference})


def main() -> None:
    rows = [row(width, 1, precomputed) for width in WIDTHS for precomputed in (False, True)]
    rows += [row(WIDTHS[0], 2, False)]
    title = "Preference step: the logistic loss against TRL's `DPOTrainer`"
    publish("preference", Table(title, rows, "The same 64 pairs in every step."))


if __name__ == "__main__":
    main()
