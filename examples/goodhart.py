"""Goodhart's law, from a world to a curve on the screen: `python examples/goodhart.py`, about a minute on a quiet core.

A policy starts at pi_ref and is trained with PPO against a proxy, a reward model fitted to gold's preferences. Every
few steps its KL to pi_ref, gold and proxy are measured on fresh samples. The proxy rises; gold rises, and then falls.

Simplified, compared with `bench run`:
- Gold is the rubric program itself, not a reward model trained on the rubric. It needs no training.
- One seed, one method and no KL penalty. Nothing has an interval, and the peak is the highest row, noise included.
- Steps and rate were chosen by eye for a readable plot: an illustration, not evidence.
- Scores are centred on the first row, not on a pool of pi_ref samples for each prompt.
- Rows are spaced by training steps, not by KL.
- Both TRL fits share this process. TRL seeds the global generators, so `bench run` gives each fit a process.
"""

from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from transformers.utils import logging

from bench.config.models import SFTConfig
from bench.core.seeds import np_stream, stream
from bench.core.types import Pairs, Prompts, Score
from bench.lm.codec import encode_prompts
from bench.lm.generate import generate, generate_with_logps
from bench.lm.kl import sequence_kl
from bench.lm.policy import load_policy
from bench.lm.sft import fit_sft
from bench.methods.base import MethodInputs
from bench.methods.ppo import PPOConfig
from bench.pipeline.artifacts.pairs import table_of_pairs
from bench.rewards.base import FitInputs, Logits
from bench.rewards.config import BradleyTerryConfig
from bench.rewards.units import GOLD_SD_LOGITS, calibration_scale
from bench.training.loop import Trainer
from bench.worlds.notes.config import NotesConfig
from gold.model import rubric_score
from gold.rubric import NotesRubric

T, HELD_OUT, SEED = 48, 512, 0  # response tokens at most; pairs that calibrate the proxy


def main(folder: Path, sft_steps: int = 300, n_pairs: int = 1_536, steps: int = 50, every: int = 5) -> np.ndarray:
    """Run the whole chain, print the table and the plot, and return the table. Models are written to `folder`."""
    # 1. The world, and pi_ref: a small transformer fitted to the demonstrations of the world's writers.
    world = NotesConfig(seed=1, slots=4).build()
    tokenizer, rng = world.tokenizer(), np_stream("demonstrations", SEED)
    ends = tokenizer.eos_token_id, tokenizer.pad_token_id
    briefs = world.draw_prompts("sft", 8_000)
    notes, sft = [world.write(brief, rng) for brief in briefs], SFTConfig(steps=sft_steps, max_new_tokens=T)
    with redirect_stdout(None):  # TRL prints its logs
        fit_sft(sft, tokenizer, briefs, notes, folder / "sft", "cpu", lambda _: None)
    pi_ref = load_policy(folder / "sft", "cpu").requires_grad_(False)

    # 2. Two pi_ref samples for each prompt, labelled by gold: P(first is chosen) = sigmoid(difference in logits).
    prompts = encode_prompts(tokenizer, world.draw_prompts("pairs", n_pairs + HELD_OUT)).repeat(2)
    samples, logps_BT = generate_with_logps(pi_ref, prompts, T, *ends, stream("pairs", SEED))
    rubric = rubric_score(NotesRubric(), tokenizer)
    difference_M = rubric(samples[0::2]) - rubric(samples[1::2])
    gold = Logits(rubric, scale=GOLD_SD_LOGITS * 2**0.5 / float(difference_M.std()), shift=0.0)
    first_M = torch.bernoulli((gold.scale * difference_M).sigmoid(), generator=stream("labels", SEED)).long()
    chosen, logp_B = 2 * torch.arange(len(first_M)) + 1 - first_M, logps_BT.sum(1)
    pairs = Pairs(samples[chosen], samples[chosen ^ 1], logp_B[chosen], logp_B[chosen ^ 1])
    train, held_out = pairs[:n_pairs], pairs[n_pairs:]

    # 3. The proxy: a Bradley-Terry reward model of pi_ref's size, calibrated to logits on the held-out labels.
    table, config, place = table_of_pairs(train, tokenizer), BradleyTerryConfig(lr=3e-3), folder / "proxy"
    with redirect_stdout(None):
        config.fit(FitInputs(table, tokenizer, SEED, place, "cpu", lambda _: None, lm=folder / "sft"))
    raw = config.load(place, "cpu").score
    chosen_M, rejected_M = raw(held_out.chosen), raw(held_out.rejected)
    scale = calibration_scale((chosen_M - rejected_M).numpy())
    proxy = Logits(raw, scale, shift=scale * float((chosen_M + rejected_M).mean() / 2))
    print(f"The proxy agrees with {float((chosen_M > rejected_M).double().mean()):.0%} of the held-out labels.\n")

    # 4. PPO against the proxy. Another method is another config, built from the same inputs.
    rl = encode_prompts(tokenizer, world.draw_prompts("rl", 2_000))
    inputs = MethodInputs(pi_ref, rl, proxy, lambda: train, lambda: train, T, *ends, SEED)
    method = PPOConfig(beta=0.0, steps=steps, batch=48, minibatch=48, lr=3e-4).build(inputs)
    policy = load_policy(folder / "sft", "cpu")
    trainer = Trainer(policy, method.sampler, method.loss, method.lr, method.max_grad_norm, SEED)
    report = encode_prompts(tokenizer, world.draw_prompts("report", 256))
    rows = curve(trainer, inputs, report, gold, range(0, method.steps + 1, every))
    plot(rows)
    return rows


def curve(trainer: Trainer, inputs: MethodInputs, prompts: Prompts, gold: Score, at: Iterable[int]) -> np.ndarray:
    """Train; at these steps, print a row and keep it: KL (nats), gold and proxy (gold sds above pi_ref)."""
    rows: list[np.ndarray] = []
    print("step   KL, nats    gold   proxy")
    for step in at:
        while trainer.step < step:
            trainer.advance()
        generator = stream("report", inputs.seed, step)
        samples = generate(trainer.policy, prompts, T, inputs.eos_id, inputs.pad_id, generator)
        kl_B = sequence_kl(trainer.policy, inputs.reference, samples).kl_B
        scores = [score(samples) / GOLD_SD_LOGITS for score in (gold, inputs.score)]
        rows.append(np.array([float(values_B.double().mean()) for values_B in (kl_B, *scores)]))
        gold_gain, proxy_gain = rows[-1][1:] - rows[0][1:]
        print(f"{step:4} {rows[-1][0]:10.5f} {gold_gain:7.2f} {proxy_gain:7.2f}", flush=True)
    return np.array(rows) - [0.0, *rows[0][1:]]


def plot(rows: np.ndarray, width: int = 72, height: int = 18) -> None:
    """Print gold (g) and proxy (p) against sqrt(KL), and gold's peak."""
    distance, levels = np.sqrt(rows[:, 0]), np.linspace(rows[:, 1:].max(), rows[:, 1:].min(), height)
    columns = np.rint(distance / distance.max() * (width - 1)).astype(int)
    picture = np.full((height, width), " ")
    for letter, values in (("p", rows[:, 2]), ("g", rows[:, 1])):
        picture[np.abs(levels[:, None] - values).argmin(0), columns] = letter
    print("\ng gold, p proxy, in gold standard deviations above pi_ref")
    for level, line in zip(levels, picture, strict=True):
        print(f"{level:6.2f} |{''.join(line).rstrip()}")
    print(f"        0{f'sqrt(KL) = {distance.max():.1f}':>{width - 1}}\n")
    (kl, peak, _), (last_kl, last_gold, last_proxy) = rows[rows[:, 1].argmax()], rows[-1]
    print(f"Gold peaks at {peak:.2f} (KL {kl:.1f} nats) and ends at {last_gold:.2f} (KL {last_kl:.1f} nats).")
    print(f"The proxy ends at {last_proxy:.2f}.")


if __name__ == "__main__":
    torch.set_num_threads(1)  # a second thread costs models of this size more than it gains
    logging.disable_progress_bar()
    with TemporaryDirectory() as temporary:
        main(Path(temporary))
