"""Checks of the harness's GPT-NeoX forward pass against Hugging Face's, on random weights and the enumerable world.

The oracle runs Hugging Face's forward on one unpadded text at a time. Its rotary cache is float32, so the two agree
to about 1e-7, although all weights are float64.
"""

from functools import cache

import numpy as np
import torch
from scipy.stats import chisquare
from torch import Tensor
from transformers import GPTNeoXConfig

from bench.checks.estimators.check import Check, Measured, at_least, close
from bench.checks.estimators.exact import Prompt
from bench.checks.estimators.world import EOS, PAD, PROMPTS, T, V, answers, exact_kl, prompts, read_response, responses
from bench.core.seeds import stream
from bench.lm.generate import generate
from bench.lm.kl import sequence_kl
from bench.lm.logprobs import batched_sequence_logps
from bench.lm.policy import TransformerPolicy, new_lm

ROTARY = 1e-6


@cache
def policy(seed: int) -> TransformerPolicy:
    """A GPT-NeoX with random weights and a sharpened head. An untrained head is nearly uniform, which hides errors."""
    config = GPTNeoXConfig(
        vocab_size=V,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=16,
        use_parallel_residual=False,
        hidden_dropout=0.0,
        attention_dropout=0.0,
    )
    model = new_lm(config, seed).double().eval()
    with torch.no_grad():
        model.get_output_embeddings().weight *= 6
    return TransformerPolicy(model)


@cache
@torch.no_grad()
def log_probs(seed: int, prompt: Prompt) -> Tensor:
    """log p of every response, from Hugging Face's forward pass."""
    model, total = policy(seed).model, []
    for response in responses():
        logps = model(torch.tensor([[*prompt, *response]]), use_cache=False).logits[0].log_softmax(-1)
        total.append(sum(logps[len(prompt) - 1 + t, token] for t, token in enumerate(response)))
    return torch.stack(total)


def all_log_probs() -> Measured:
    """Log-probs of both prompts' responses, in one padded batch."""
    repeated = [prompt for prompt in PROMPTS for _ in responses()]
    want = torch.cat([log_probs(0, prompt) for prompt in PROMPTS])
    return close(want, batched_sequence_logps(policy(0), answers(repeated, responses() * len(PROMPTS))), ROTARY)


def frequencies() -> Measured:
    """p-value of a chi-square test of cached decoding over all 40 responses; see `generator`."""
    n, every = 20_000, responses()
    both = prompts(n)
    samples = generate(policy(0), both, T, EOS, PAD, stream("selfcheck.transformer"))
    at = {response: i for i, response in enumerate(every)}
    counts = np.bincount([at[read_response(samples, i)] for i in range(n, 2 * n)], minlength=len(every))
    return at_least(1e-3, float(chisquare(counts, n * log_probs(0, PROMPTS[1]).exp().numpy()).pvalue))


def expected_kl() -> Measured:
    """Expectation of the KL estimates under Hugging Face's probabilities, against the KL enumerated from them."""
    want, got = [], []
    for prompt in PROMPTS:
        p, q = (log_probs(seed, prompt).exp() for seed in (0, 1))
        rows = answers([prompt] * len(responses()), responses())
        got.append(float(p @ sequence_kl(policy(0), policy(1), rows).kl_B))
        want.append(exact_kl(p, q))
    return close(want, got, ROTARY)


CHECKS: dict[str, Check] = {
    "log-probs of all responses": all_log_probs,
    "frequencies, chi-square p": frequencies,
    "expected rao-blackwell": expected_kl,
}
