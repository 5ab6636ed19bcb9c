"""The tables of a run and of its stages, column by column: type, unit, meaning, and when a value is null.

`records` takes its types from here, and docs/schema.md is made from it (`python -m reports.schema`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

TEXT, INT, FLOAT, BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()

NATS, GOLD_SD, RUBRIC_SD, RAW, SHARE = "nats", "gold sd", "rubric sd", "raw score", "share"


@dataclass(frozen=True)
class Column:
    """`null` says when a value is missing; "" means never."""

    type: pa.DataType
    meaning: str
    unit: str = ""
    null: str = ""


Columns = Mapping[str, Column]

_FAILED = "failed or diverged"
_BON = f"best-of-n; {_FAILED}"
_UNTRAINED = f"best-of-n, pi_ref; {_FAILED} before the first step"


def _score(name: str, unit: str, **more: str) -> Column:
    return Column(FLOAT, name, unit, more.get("null", _FAILED))


ROWS: Columns = {
    "schema": Column(INT, "version of these tables"),
    "suite": Column(TEXT, "name of the suite"),
    "row_id": Column(TEXT, "`<cell>@<step>`; best-of-n `<cell>@n<n>`; failed or diverged `<cell>@<status>`; unique"),
    "cell": Column(TEXT, "name of the training run, best-of-n pass or repeated measurement of pi_ref"),
    "method": Column(TEXT, "name that the suite gives the method"),
    "method_type": Column(TEXT, "`type` of the method's config: `reference` is pi_ref, whatever its name"),
    "sampler": Column(TEXT, "origin of the samples or pairs that training reads", null="pi_ref"),
    "loss": Column(TEXT, "loss, or f of a loss f(beta * rho)", null="best-of-n, pi_ref"),
    "beta": Column(FLOAT, "KL coefficient, rewards in logits", null="methods without one"),
    "n": Column(INT, "n of best-of-n", "samples", "all but best-of-n"),
    "proxy_id": Column(
        TEXT, "`<proxy>-r<replicate>` that is optimised, or that scores the row; `gold` for gold itself"
    ),
    "proxy_params": Column(INT, "size of the proxy's model", "parameters", f"gold, programs; {_FAILED}"),
    "proxy_pairs_n": Column(
        INT, "stored pairs that the proxy is fitted to", "pairs", f"gold as proxy, fitted to gold; {_FAILED}"
    ),
    "pairs_n": Column(INT, "stored training pairs", "pairs", "failed before measuring"),
    "label_noise": Column(
        FLOAT, "training pairs whose chosen side gold scores lower", SHARE, "failed before measuring"
    ),
    "replicate": Column(INT, "redraw of everything random below the world"),
    "seed": Column(INT, "seed of training and of measuring"),
    "pairs_seed": Column(INT, "seed of the pairs"),
    "proxy_seed": Column(INT, "seed of the proxy", null="gold as proxy"),
    "step": Column(INT, "optimiser steps taken; of pi_ref the number of the measurement", "steps", "best-of-n; failed"),
    "samples_seen": Column(INT, "samples that training has read", "samples", _UNTRAINED),
    "tokens_sampled": Column(INT, "response tokens that training has drawn", "tokens", _UNTRAINED),
    "tokens_trained": Column(INT, "response tokens in gradient steps, each pass counted", "tokens", _UNTRAINED),
    "labels_used": Column(INT, "gold labels that training has taken", "labels", _UNTRAINED),
    "kl": Column(
        FLOAT,
        "KL to pi_ref, Rao-Blackwellised; of best-of-n from the pool",
        "nats a sequence",
        f"best-of-n where n > N / 8; {_FAILED}",
    ),
    "kl_se": Column(FLOAT, "standard error of `kl`, clustered by prompt", "nats a sequence", "as `kl`; one prompt"),
    "kl_k1": Column(FLOAT, "mean log-ratio on the same samples", "nats a sequence", _BON),
    "kl_k1_se": Column(
        FLOAT, "standard error of `kl_k1`, clustered by prompt", "nats a sequence", f"{_BON}; one prompt"
    ),
    "kl_analytic": Column(FLOAT, "log n - (n - 1) / n, an upper bound", "nats a sequence", "all but best-of-n"),
    "kl_per_token": Column(FLOAT, "`kl` over the mean number of response tokens", "nats a token", "as `kl`"),
    "gold": _score("gold above pi_ref on the same prompts", GOLD_SD),
    "gold_se": Column(FLOAT, "standard error of `gold`, clustered by prompt", GOLD_SD, f"{_FAILED}; one prompt"),
    "gold_raw": _score("gold as its model says it", RAW),
    "proxy": _score("calibrated proxy above pi_ref, in gold's unit", GOLD_SD),
    "proxy_se": Column(FLOAT, "standard error of `proxy`, clustered by prompt", GOLD_SD, f"{_FAILED}; one prompt"),
    "proxy_z": _score(
        "proxy above pi_ref, in its own within-prompt standard deviation",
        "proxy sd",
        null=f"a constant proxy; {_FAILED}",
    ),
    "proxy_raw": _score("proxy as its model says it", RAW),
    "rubric": _score("rubric above pi_ref", RUBRIC_SD),
    "rubric_se": Column(FLOAT, "standard error of `rubric`, clustered by prompt", RUBRIC_SD, f"{_FAILED}; one prompt"),
    "gold_rubric_corr": Column(
        FLOAT, "correlation of gold and rubric within prompts", "", f"one of them constant; {_FAILED}"
    ),
    "win_rate": _score("gold's win rate against pi_ref's pool of the same prompt, ties one half", SHARE),
    "win_rate_se": Column(FLOAT, "standard error of `win_rate`, clustered by prompt", SHARE, f"{_FAILED}; one prompt"),
    "implicit_reward": Column(
        FLOAT, "beta times the mean log-ratio margin on held-out pairs", "logits", f"no beta, beta 0; {_BON}"
    ),
    "pair_accuracy": Column(
        FLOAT, "held-out pairs with a larger log-ratio of the chosen side, ties one half", SHARE, _BON
    ),
    "chosen_logratio": Column(FLOAT, "mean log-ratio of chosen sides of held-out pairs", NATS, _BON),
    "rejected_logratio": Column(FLOAT, "mean log-ratio of rejected sides of held-out pairs", NATS, _BON),
    "length": Column(FLOAT, "response tokens, EOS included", "tokens", _FAILED),
    "repetition": _score("trigrams of a response that occurred in it before", SHARE),
    "distinct2": Column(FLOAT, "distinct bigrams over all bigrams of the responses", SHARE, f"no bigram; {_BON}"),
    "entropy": Column(FLOAT, "entropy of the policy, summed along its samples", "nats a sequence", _BON),
    "eos_rate": _score("responses that end in EOS", SHARE),
    "truncated_rate": _score("responses cut at T tokens, which have no EOS", SHARE),
    "n_prompts": Column(INT, "report prompts", "prompts", _FAILED),
    "kl_select": Column(FLOAT, "`kl` on select prompts, used only to choose rows", "nats a sequence", "as `kl`"),
    "gold_select": _score("`gold` on select prompts", GOLD_SD),
    "proxy_select": _score("`proxy` on select prompts", GOLD_SD),
    "status": Column(TEXT, "`ok`, `failed` or `diverged`"),
    "reason": Column(TEXT, "why it failed or diverged", null="ok"),
}

SAMPLES: Columns = {
    "row_id": Column(TEXT, "row that the sample stands behind; of best-of-n the pick of the first n samples"),
    "split": Column(TEXT, "`report` or `select`"),
    "prompt_id": Column(TEXT, "content hash of the prompt"),
    "prompt": Column(TEXT, "the prompt"),
    "response": Column(TEXT, "the response, without EOS"),
    "gold": Column(FLOAT, "as in rows", GOLD_SD),
    "proxy": Column(FLOAT, "as in rows", GOLD_SD),
    "rubric": Column(FLOAT, "as in rows", RUBRIC_SD),
    "logratio": Column(FLOAT, "log pi - log pi_ref of the response", NATS, "best-of-n"),
    "kl": Column(FLOAT, "full-vocabulary KL summed along the response", NATS, "best-of-n"),
    "n_tokens": Column(INT, "response tokens, EOS included", "tokens"),
    "eos": Column(BOOL, "false where T cut the response"),
}

POOL: Columns = {
    "proxy_id": Column(TEXT, "as in rows"),
    "split": Column(TEXT, "`report` or `select`"),
    "prompt_id": Column(TEXT, "content hash of the prompt"),
    "sample_id": Column(INT, "number of the sample within its prompt; the first n are a best-of-n draw"),
    "text_id": Column(TEXT, "row of pool_texts.parquet; equal texts of a prompt share it"),
    "gold_raw": Column(FLOAT, "gold as its model says it", RAW),
    "proxy_raw": Column(FLOAT, "proxy as its model says it", RAW),
    "rubric_raw": Column(FLOAT, "rubric as the program says it", "points"),
    "n_tokens": Column(INT, "response tokens, EOS included", "tokens"),
    "logp": Column(FLOAT, "pi_ref's log-probability of the sample", NATS),
}

TEXTS: Columns = {
    "text_id": Column(TEXT, "id that bon_pool.parquet names; unique"),
    "split": Column(TEXT, "`report` or `select`"),
    "prompt_id": Column(TEXT, "content hash of the prompt"),
    "prompt": Column(TEXT, "the prompt"),
    "response": Column(TEXT, "the response, without EOS"),
    "eos": Column(BOOL, "false where T cut the response"),
}

_PROMPTS: Columns = {
    "split": Column(TEXT, "`sft`, `gold`, `pairs`, `rl`, `select` or `report`"),
    "prompt_id": Column(TEXT, "content hash of the prompt; unique"),
    "prompt": Column(TEXT, "the prompt"),
}
_SAMPLED: Columns = {
    **_PROMPTS,
    "sample_id": Column(INT, "number of the sample within its prompt"),
    "response": Column(TEXT, "the response, without EOS"),
    "eos": Column(BOOL, "false where T cut the response"),
    "n_tokens": Column(INT, "response tokens, EOS included", "tokens"),
    "logp": Column(FLOAT, "pi_ref's log-probability of the sample", NATS),
    "gold_raw": Column(FLOAT, "gold as its model says it", RAW),
    "rubric_raw": Column(FLOAT, "rubric as the program says it", "points"),
    "rubric_raw_<part>": Column(FLOAT, "a part of the rubric", "points"),
}

_SIDES = ("chosen", "rejected")
_RECORDED: Columns = {
    "prompt": Column(TEXT, "the prompt"),
    **{side: Column(TEXT, f"the {side} response, without EOS") for side in _SIDES},
    **{f"{side}_eos": Column(BOOL, f"false where T cut the {side} response") for side in _SIDES},
    **{f"ref_{side}_logp": Column(FLOAT, f"pi_ref's log-probability of the {side} response", NATS) for side in _SIDES},
}
_PAIRS: Columns = {
    "split": Column(TEXT, "`train` or `held_out`"),
    "prompt_id": Column(TEXT, "content hash of the prompt; unique"),
    **_RECORDED,
    **{f"gold_{side}_logits": Column(FLOAT, f"gold of the {side} response", "logits") for side in _SIDES},
    "p_chosen": Column(FLOAT, "probability of this label before flips", SHARE),
    "flipped": Column(BOOL, "true where the label was flipped"),
}

RUN_TABLES: Mapping[str, Columns] = {
    "rows.parquet": {**ROWS, "rubric_<part>": Column(FLOAT, "a part of the rubric above pi_ref", RUBRIC_SD, _FAILED)},
    "samples.parquet": {**SAMPLES, "rubric_<part>": Column(FLOAT, "as in rows", RUBRIC_SD)},
    "bon_pool.parquet": POOL,
    "pool_texts.parquet": TEXTS,
}
"""Tables of a run folder. `<part>` stands for each part of the world's rubric."""

STAGE_TABLES: Mapping[str, Columns] = {
    "world/prompts.parquet": _PROMPTS,
    "world/demonstrations.parquet": {
        "prompt_id": Column(TEXT, "content hash of the prompt"),
        "prompt": Column(TEXT, "the prompt"),
        "response": Column(TEXT, "a writer's response"),
    },
    "units/samples.parquet": _SAMPLED,
    "reference/samples.parquet": _SAMPLED,
    "pool/samples.parquet": {**_SAMPLED, "text_id": Column(TEXT, "equal texts of a prompt share it")},
    "pairs/pairs.parquet": _PAIRS,
    "proxy/reference_scores.parquet": {
        "split": Column(TEXT, "`rl`"),
        "prompt_id": Column(TEXT, "content hash of the prompt"),
        "sample_id": Column(INT, "sample of the stage `units`"),
        "proxy_raw": Column(FLOAT, "proxy as its model says it", RAW),
    },
    "train/pairs.parquet": _RECORDED,
}
"""Tables of stored stages, by kind. Stages that make rows have the run's tables, without the names of its cells."""
