"""Training of gold: a large reward model fitted to the writers' rubric preferences over the wide set.

The loss is Bradley-Terry with soft labels over all pairs of a prompt's responses (Christiano et al. 2017,
arXiv 1706.03741), plus two losses per token. The score head predicts the rubric of every prefix. A second head,
which is discarded after training, predicts from the layer below the change of each part at each token. Without the
token losses, and without attention heads initialised to match equal words, a model of this size learns fluency long
before it learns to check facts. Writers' weights apply to scores, not to the part labels (see `wide`).

Called by the pipeline's gold stage. Left out: gold's units, which are set later on pi_ref samples.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import GPTNeoXForSequenceClassification, PreTrainedTokenizerFast

from bench.config.models import TrainedGoldConfig
from bench.core.finite import at_step, clip_gradients, demand_finite, demand_finite_weights
from bench.core.seeds import np_stream, seed_of
from bench.core.types import Sequences
from bench.lm.logprobs import like_length
from bench.lm.neox import Trunk
from bench.lm.policy import parameter_count
from bench.rewards.model import reward_config
from bench.worlds.base import prompt_id
from gold.audit import pair_agreement, within_prompt_corr
from gold.wide import ScoredBatch, Teacher

POSITIONS = 128
ROWS_AT_ONCE = 16  # rows of similar length per pass: more of this width exceed the core's cache
MATCH_SCALE = 8.0  # initial sharpness of the heads that match equal words
AUDIT_NOTES = 8

Report = Callable[[Mapping[str, Any]], None]


@final
class _Student(nn.Module):
    """Gold, and the part head that only training uses."""

    def __init__(self, model: GPTNeoXForSequenceClassification, parts: int) -> None:
        super().__init__()
        self.model, self.trunk = model, Trunk(model.gpt_neox)
        self.part_head = nn.utils.skip_init(nn.Linear, model.config.hidden_size, parts)
        nn.init.zeros_(self.part_head.weight)
        nn.init.zeros_(self.part_head.bias)
        nn.init.zeros_(model.score.weight)

    def forward(self, sequences: Sequences) -> tuple[Float[Tensor, "B U"], Float[Tensor, "B U R"]]:
        """The score after 0, 1, .. T tokens of each response, and the predicted change of each part at the last token.

        Valid up to the response's end.
        """
        prompts, row_B = sequences.prompts.distinct()
        prefix, (B, T) = self.trunk.read(prompts), sequences.response_ids.shape
        score_BU = self.part_head.weight.new_zeros(B, T + 1)
        part_BUR = self.part_head.weight.new_zeros(B, T + 1, self.part_head.out_features)
        for index, chunk in like_length(sequences, ROWS_AT_ONCE):
            below_buW, state_buW = prefix.last_two_states(row_B[index], chunk.response_ids)
            u = state_buW.shape[1]
            score_BU[index, :u] = self.model.score(state_buW)[..., 0]
            part_BUR[index, :u] = self.part_head(below_buW)
        return score_BU, part_BUR


def new_gold(config: TrainedGoldConfig, tokenizer: PreTrainedTokenizerFast) -> GPTNeoXForSequenceClassification:
    """An untrained gold. Hugging Face uses the global generator; its state is restored."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("gold-init", config.seed))
        model = GPTNeoXForSequenceClassification(reward_config(config.model, tokenizer, POSITIONS))
        _match_equal_words(model)
        return model


@torch.no_grad()
def _match_equal_words(model: GPTNeoXForSequenceClassification) -> None:
    """Give half of the heads equal queries and keys, so that a word attends to its earlier occurrences.

    Comparing a fact with the brief needs such a head, and gradient descent finds the first one slowly.
    """
    heads, width = model.config.num_attention_heads, model.config.hidden_size
    for name, parameter in model.named_parameters():
        if name.endswith("query_key_value.weight"):
            weight = parameter.view(heads, 3, -1, width)[: (heads + 1) // 2]
            weight[:, 0] *= MATCH_SCALE
            weight[:, 1] = weight[:, 0]


def pair_loss(score_B: Float[Tensor, " B"], rubric_B: Float[Tensor, " B"], k: int) -> Float[Tensor, ""]:
    """Bradley-Terry cross-entropy with soft labels over the pairs of each prompt's `k` responses.

    The labels' entropy is subtracted, so that the minimum is 0.
    """
    i, j = torch.triu_indices(k, k, 1, device=score_B.device)
    score_PG, rubric_PG = score_B.view(-1, k), rubric_B.view(-1, k)
    margin, label = score_PG[:, i] - score_PG[:, j], (rubric_PG[:, i] - rubric_PG[:, j])
    best = F.binary_cross_entropy_with_logits(label, label.sigmoid())
    return F.binary_cross_entropy_with_logits(margin, label.sigmoid()) - best


def _losses(student: _Student, batch: ScoredBatch, k: int) -> dict[str, Tensor]:
    score_BU, part_BUR = student(batch.sequences)
    keep = batch.labelled
    return {
        "pairs": pair_loss(_at_end(score_BU, batch.sequences), batch.rubric, k),
        "running": F.smooth_l1_loss(score_BU[keep], batch.running[keep]),
        "parts": F.mse_loss(part_BUR[keep], batch.deltas[keep], reduction="sum") / keep.sum(),
    }


def _at_end(score_BU: Float[Tensor, "B U"], sequences: Sequences) -> Float[Tensor, " B"]:
    return score_BU.gather(1, sequences.lengths[:, None])[:, 0]


def train_gold(
    config: TrainedGoldConfig, teacher: Teacher, device: str, report: Report
) -> tuple[GPTNeoXForSequenceClassification, dict[str, Any]]:
    """Train gold. Returns the model in evaluation mode and its audit on held-out prompts of the gold split.

    Training goes on, a round of `config.steps` at a time, until gold agrees with the rubric on held-out demonstrations
    as `config.min_corr` asks, for at most `config.max_rounds`. A round is a whole cycle of the rate, from its warm-up
    to 0 (warm restarts: Loshchilov and Hutter 2017, arXiv 1608.03983).
    """
    prompts = teacher.world.draw_prompts("gold", config.audit_prompts + config.prompts)
    held_out, prompts = prompts[: config.audit_prompts], prompts[config.audit_prompts :]
    student = _Student(new_gold(config, teacher.tokenizer), len(teacher.rubric.part_names)).to(device).train()
    optimizer = torch.optim.AdamW(student.parameters(), lr=config.lr, betas=(0.9, 0.98), weight_decay=0.01)
    rng = np_stream("gold-data", config.seed)
    for rounds in range(1, config.max_rounds + 1):
        _train_round(config, student, optimizer, teacher, prompts, rng, device, report)
        metrics = _audit(student, teacher, held_out, device, config.seed)
        report({"rounds": rounds, "demonstrations_corr": metrics["demonstrations_corr"]})
        if metrics["demonstrations_corr"] >= config.min_corr:
            break
    return student.eval().model, {**metrics, "rounds": rounds}


def _train_round(
    config: TrainedGoldConfig,
    student: _Student,
    optimizer: torch.optim.Optimizer,
    teacher: Teacher,
    prompts: list[str],
    rng: np.random.Generator,
    device: str,
    report: Report,
) -> None:
    """One cycle of the learning rate: `config.steps` steps on fresh wide sets."""
    student.train()
    k, parameters = config.responses_per_prompt, {f"gold.{name}": p for name, p in student.named_parameters()}
    for step in range(config.steps):
        rate = min(1.0, (step + 1) / max(1, config.steps // 20)) * (1 + math.cos(math.pi * step / config.steps)) / 2
        for group in optimizer.param_groups:
            group["lr"] = config.lr * rate
        chosen = [prompts[i] for i in rng.integers(len(prompts), size=config.prompts_per_step)]
        batch = teacher.wide_batch(chosen, k, rng).to(device)
        with at_step(step):
            demand_finite("the rubric of gold's training", batch.rubric, "look at the rubric of the world")
            losses = _losses(student, batch, k)
            for name, value in losses.items():
                demand_finite(f"gold's loss {name!r}", value, "its weights have grown too large: lower gold.lr")
            loss = losses["pairs"] + losses["running"] + config.part_weight * losses["parts"]
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            clip_gradients(parameters, 1.0)
            optimizer.step()
            demand_finite_weights(parameters, optimizer.param_groups[0]["lr"])
        if step % 20 == 0:
            report({"step": step, "steps": config.steps, **{name: value.item() for name, value in losses.items()}})
    student.eval()


def _audit(student: _Student, teacher: Teacher, prompts: list[str], device: str, seed: int) -> dict[str, Any]:
    """Agreement with the training rubric and, where the writers weight its parts, with the users' rubric."""
    world, rng = teacher.world, np_stream("gold-audit", seed)
    metrics: dict[str, Any] = {"parameters": parameter_count(student.model), "audit_prompts": len(prompts)}
    sets = {
        "wide": lambda prompt: world.wide(prompt, AUDIT_NOTES, rng),
        "demonstrations": lambda prompt: [world.write(prompt, rng) for _ in range(AUDIT_NOTES)],
    }
    for name, respond in sets.items():
        texts = [text for prompt in prompts for text in respond(prompt)]
        repeated = [prompt for prompt in prompts for _ in range(AUDIT_NOTES)]
        batch = teacher.score(repeated, texts, [True] * len(texts))
        gold, rubric = _scores(student, batch.sequences.to(device)), batch.rubric.double().numpy()
        ids = [prompt_id(prompt) for prompt in repeated]
        metrics[f"{name}_corr"] = within_prompt_corr(gold, rubric, ids)
        metrics[f"{name}_pair_agreement"] = pair_agreement(gold, rubric, ids)
        if teacher.weights:
            metrics[f"{name}_users_corr"] = within_prompt_corr(gold, teacher.rubric.score(repeated, texts), ids)
    return metrics


@torch.no_grad()
def _scores(student: _Student, sequences: Sequences) -> Float[np.ndarray, " B"]:
    score_BU, _ = student(sequences)
    return _at_end(score_BU, sequences).double().cpu().numpy()
