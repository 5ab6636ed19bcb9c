"""Sampling and scoring against Hugging Face: `generate`, and a forward pass for n responses per prompt.

Both sides have the same weights and prompts, and sample at temperature 1 from the full vocabulary until EOS or 64
tokens. The scores of both sides are compared before timing.
"""

from typing import Any

import torch
from torch import Tensor

from bench.core.types import Prompts, Sequences, positions
from bench.lm.generate import generate
from bench.lm.logprobs import gather, next_token_logps, token_logps
from bench.lm.policy import TransformerPolicy
from benchmarks.material import MAX_NEW_TOKENS, WIDTHS, Material, material
from benchmarks.timing import ROUNDS, Table, in_turn, milliseconds, publish, ratio, use_threads


def sample(inputs: Material, policy: TransformerPolicy, prompts: Prompts, seed: int) -> Sequences:
    ids = inputs.tokenizer
    generator = torch.Generator().manual_seed(seed)
    return generate(policy, prompts, MAX_NEW_TOKENS, ids.eos_token_id, ids.pad_token_id, generator)


def hf_generate(inputs: Material, policy: TransformerPolicy, prompts: Prompts) -> Tensor:
    """Sampled ids after the prompt, padded after the end of a response."""
    ids = inputs.tokenizer
    samples = policy.model.generate(
        input_ids=prompts.ids,
        attention_mask=prompts.mask.long(),
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        max_new_tokens=MAX_NEW_TOKENS,
        eos_token_id=ids.eos_token_id,
        pad_token_id=ids.pad_token_id,
    )
    return samples[:, prompts.ids.shape[1] :]


def compare_sampling(width: int, threads: int, rows: int) -> dict[str, Any]:
    """One row of the table of sampling."""
    use_threads(threads)
    inputs = material(width)
    policy, prompts, tokens = inputs.policy(), inputs.prompts(rows), {"ours": 0, "hf": 0}
    pad_id = inputs.tokenizer.pad_token_id

    def ours() -> None:
        tokens["ours"] += int(sample(inputs, policy, prompts, tokens["ours"]).response_mask.sum())

    def theirs() -> None:
        tokens["hf"] += int((hf_generate(inputs, policy, prompts) != pad_id).sum())

    rounds = in_turn({"ours": ours, "hf": theirs})
    return {
        "policy": f"2 x {width}",
        "threads": threads,
        "rows": rows,
        "ours_ms": milliseconds(rounds["ours"]),
        "hf_ms": milliseconds(rounds["hf"]),
        **ratio(rounds, "hf", "ours"),
        "our_tokens": round(tokens["ours"] / (ROUNDS + 1)),
        "hf_tokens": round(tokens["hf"] / (ROUNDS + 1)),
    }


@torch.no_grad()
def hf_token_logps(policy: TransformerPolicy, rows: Sequences) -> Tensor:
    """The same log-probs from Hugging Face's forward pass, with logits of the response only."""
    mask, T = rows.attention_mask, rows.response_ids.shape[1]
    logits = policy.model(
        input_ids=rows.input_ids,
        attention_mask=mask.long(),
        position_ids=positions(mask),
        use_cache=False,
        logits_to_keep=T + 1,
    ).logits
    return gather(logits[:, :-1].log_softmax(-1), rows.response_ids)


def compare_scoring(width: int, each: int, rows: int = 128) -> dict[str, Any]:
    """One row of the table of scoring: `rows` responses, `each` per prompt."""
    use_threads(1)
    inputs = material(width)
    policy = inputs.policy().requires_grad_(False)
    samples = sample(inputs, policy, inputs.prompts(rows // each).repeat(each), seed=0)
    kept = samples.response_mask
    sides = {
        "ours": lambda: token_logps(policy, samples),
        "plain": torch.no_grad()(lambda: gather(next_token_logps(policy, samples), samples.response_ids)),
        "hf": lambda: hf_token_logps(policy, samples),
    }
    for side in ("ours", "plain"):  # float32 sums in another order: a few roundings of 1e-6 at log-probs of 10
        torch.testing.assert_close(sides[side]()[kept], sides["hf"]()[kept], rtol=0, atol=1e-4)
    rounds = in_turn(sides)
    return {
        "policy": f"2 x {width}",
        "responses": rows,
        "to a prompt": each,
        "ours_ms": milliseconds(rounds["ours"]),
        "unsorted_ms": milliseconds(rounds["plain"]),
        "hf_ms": milliseconds(rounds["hf"]),
        **ratio(rounds, "hf", "ours"),
    }


def main() -> None:
    sampled = [compare_sampling(width, 1, rows) for width in WIDTHS for rows in (64, 256)]
    sampled += [compare_sampling(WIDTHS[0], 2, 256)]
    note = "One response to each of so many prompts; tokens are those of one call, its mean."
    publish("sampling", Table("Sampling against `generate` of transformers", sampled, note))
    scored = [compare_scoring(width, each) for width in WIDTHS for each in (1, 4, 16)]
    note = (
        "Log-probs of every response token without gradients, 1 thread; the same numbers within 1e-4. Ours is the "
        "pass that a step makes, in batches of 32 rows of like length; unsorted is all rows at once, as Hugging Face's."
    )
    publish("scoring", Table("Scoring responses against Hugging Face's forward pass", scored, note))


if __name__ == "__main__":
    main()
