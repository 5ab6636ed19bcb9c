"""One step of the logistic preference loss, ours against TRL's `DPOTrainer`, on the same 64 pairs every time.

TRL's default computes the reference's log-probs in every step; the harness stored them when the pairs were drawn, as
TRL does with `precompute_ref_log_probs`, so both are timed.
"""

from tempfile import mkdtemp
from typing import Any

from bench.methods.losses import Preference
from bench.methods.samplers import StoredPairs
from bench.train import Trainer
from benchmarks.material import WIDTHS, Material, material
from benchmarks.timing import Table, milliseconds, publish, ratio, use_threads
from benchmarks.trl_steps import SETTINGS, TINY_RATE, InTurn

BETA, PAIRS = 0.1, 64


def our_trainer(given: Material) -> Trainer:
    """The harness's own training loop on the pairs."""
    sampler = StoredPairs(given.pairs(PAIRS), PAIRS, seed=0)
    return Trainer(given.policy(), sampler, Preference("logistic", BETA), TINY_RATE, max_grad_norm=1.0, seed=0)


def trl_trainer(given: Material, steps: int, precomputed: bool) -> Any:
    """TRL's trainer on the same pairs, spelled so that its tokens are ours."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    tokenizer, table = given.tokenizer, given.pair_table.head(PAIRS)
    dataset = {"prompt": [f"{tokenizer.bos_token} {text} {tokenizer.sep_token}" for text in table["prompt"]]}
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
        model=given.policy().model,
        ref_model=given.policy().model,
        args=config,
        train_dataset=Dataset.from_dict(dataset),
        processing_class=tokenizer,
    )


def compare(width: int, threads: int, precomputed: bool) -> dict[str, Any]:
    """One row of the table."""
    use_threads(threads)
    given, in_turn = material(width), InTurn()
    ours, theirs = our_trainer(given), trl_trainer(given, in_turn.steps, precomputed)
    trl_tokens = sum(len(ids) for name in ("chosen_ids", "rejected_ids") for ids in theirs.train_dataset[name])
    in_turn.run(theirs, ours.advance)
    rounds = in_turn.rounds()
    return {
        "policy": f"2 x {width}",
        "threads": threads,
        "TRL's reference": "precomputed" if precomputed else "in the step (default)",
        "ours_ms": milliseconds(rounds["ours"]),
        "trl_ms": milliseconds(rounds["trl"]),
        **ratio(rounds, "trl", "ours"),
        "our_tokens": ours.counts.tokens_trained // ours.step,
        "trl_tokens": trl_tokens,
    }


def main() -> None:
    rows = [compare(width, 1, precomputed) for width in WIDTHS for precomputed in (False, True)]
    rows += [compare(WIDTHS[0], 2, False)]
    title = "Preference step: the logistic loss against TRL's `DPOTrainer`"
    publish("preference", Table(title, rows, "The same 64 pairs in every step."))


if __name__ == "__main__":
    main()
