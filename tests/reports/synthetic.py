"""A made-up run folder with known curves: gold humps, the proxy climbs, best-of-n saturates, one cell fails."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from bench.core.records import POOL_COLUMNS, ROW_COLUMNS, SAMPLE_COLUMNS, frame, write_parquet
from bench.measure.best_of_n import best_of_n_weights

HACKS = ("thanks again", "kindly kindly", "as you know", "urgently")
PARTS = {"facts": 0.6, "tone": 0.1, "filler": 0.3}  # shares of the rubric
HOSTILE = ("<script>alert(1)</script>", "dear boss </script><img src=x onerror=alert(2)> & more")
GRID = np.array([0.0, 0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.3, 16.0, 22.6, 33.0])
PROMPTS = {"report": 24, "select": 12}


def hump(d, peak, height):
    """Gold over d: rises to `height` at d = `peak`, and falls after it."""
    return height * (1 - ((d - peak) / peak) ** 2)


def make_run(folder: Path, betas=(0.0, 0.1), replicates=1, samples=4, state="done", seed=0, prompts=PROMPTS) -> Path:
    """Write a run folder under `folder` and return it."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    rows, texts = [], []
    for method, peak, height in (("ppo", 2.2, 0.9), ("dpo", 1.8, 0.6)):
        for i, beta in enumerate(betas):
            for r in range(replicates):
                grid = GRID[: len(GRID) - 3 * i]
                cell = f"{method}-b{beta:g}-r{r}"
                for step, kl in enumerate(grid):
                    d = np.sqrt(kl)
                    truth = hump(d, peak, height), 0.75 * d if method == "ppo" else 0.4 * d
                    row, some = policy(rng, cell, method, step * 10, kl, truth, samples, prompts)
                    rows.append(
                        {
                            **row,
                            "beta": beta,
                            "replicate": r,
                            "sampler": "on_policy" if method == "ppo" else "offline",
                            "proxy_id": "policy_sized-r0",
                        }
                    )
                    texts += some
                write_log(folder, cell, range(1, 10 * len(grid)), method)
    for k in range(6):
        row, some = policy(rng, "reference", "reference", k, 0.0, (0.0, 0.0), samples, prompts)
        rows.append({**row, "beta": None, "replicate": 0})
        texts += some
    best, picks, pool = best_of_n(rng, prompts)
    rows, texts = rows + best, [*texts, pd.DataFrame(picks)]
    rows.append(
        {
            **ids("ppo-b1-r0", "ppo", "none"),
            "beta": 1.0,
            "replicate": 0,
            "status": "failed",
            "reason": "<b>boom</b> & 'bust'",
        }
    )
    write_parquet(frame(rows, ROW_COLUMNS), folder / "rows.parquet")
    write_parquet(frame(pd.concat(texts), SAMPLE_COLUMNS), folder / "samples.parquet")
    write_parquet(frame(pool, POOL_COLUMNS), folder / "bon_pool.parquet")
    write_json_files(folder, _config(betas), state)
    return folder


def write_json_files(folder, config, state):
    run = {"schema": 1, "state": state, "versions": {"torch": "2.13.0"}, "git": {"commit": "abc1234", "dirty": False}}
    for name, content in (("config", config), ("run", run), ("stages", _stages())):
        (folder / f"{name}.json").write_text(json.dumps(content))


def make_failed_run(folder: Path) -> Path:
    """A run of which only a failed row exists."""
    folder.mkdir(parents=True)
    failed = {**ids("ppo-b0-r0", "ppo", "none"), "beta": 0.0, "status": "failed", "reason": "out of memory"}
    write_parquet(frame([failed], ROW_COLUMNS), folder / "rows.parquet")
    return folder


TYPES = {"reference": "reference", "bon": "best_of_n", "ppo": "ppo", "ppo_gold": "ppo", "ppo_noise": "ppo"}


def ids(cell, method, step):
    kind = TYPES.get(method, "preference")
    names = {"row_id": f"{cell}@{step}", "cell": cell, "method": method, "method_type": kind}
    return {"schema": 2, "suite": "toy", **names}


def policy(rng, cell, method, step, kl, truth, samples, prompts, rubric=None):
    """One row and its samples; the row's means are those of the samples. `truth` is (gold, proxy)."""
    parts = []
    for split, count in prompts.items():
        size = (count, samples)
        effect, noise = np.broadcast_to(rng.normal(0, 0.15, count)[:, None], size), rng.normal(0, 0.6, size)
        index = np.repeat(np.arange(count), samples)
        scores = {
            "gold": truth[0] + effect + noise,
            "proxy": truth[1] + 0.5 * effect + 0.5 * noise + rng.normal(0, 0.3, size),
            "rubric": (0.8 * truth[0] if rubric is None else rubric) + noise,
            "logratio": kl + rng.normal(0, 0.4, size) * np.sqrt(kl),
            "kl": np.maximum(kl + rng.normal(0, 0.2, size) * np.sqrt(kl), 0.0),
        }
        scores |= {f"rubric_{part}": share * scores["rubric"] for part, share in PARTS.items()}
        extra = np.maximum(0.4 * kl**0.5 + 0.6 * (np.arange(index.size) % 3 - 1), 0).astype(int)
        texts = {
            "row_id": f"{cell}@{step}",
            "split": split,
            "prompt_id": [f"{split[0]}{p:04d}" for p in index],
            "prompt": [f"polite note to boss {p} : {'lost laptop <late>' if p % 4 else HOSTILE[0]}" for p in index],
            "response": [response(p, i, k) for i, (p, k) in enumerate(zip(index, extra, strict=True))],
            "n_tokens": 20 + 3 * extra,
            "eos": True,
        }
        parts.append(pd.DataFrame({**texts, **{name: values.ravel() for name, values in scores.items()}}))
    row = {**ids(cell, method, step), "step": step, "status": "ok", "n_prompts": prompts["report"]}
    report, select = parts
    means = report.groupby("prompt_id")[["gold", "proxy", "rubric", "kl"]].mean()
    for name in means:
        row |= {name: means[name].mean(), f"{name}_se": means[name].std() / np.sqrt(len(means))}
    row |= {f"{name}_select": select[name].mean() for name in ("gold", "proxy", "kl")}
    row |= {f"rubric_{part}": share * row["rubric"] for part, share in PARTS.items()}
    row |= {"length": report.n_tokens.mean(), "repetition": 0.01 * kl, "distinct2": 0.3, "truncated_rate": 0.0}
    row |= {"gold_rubric_corr": 0.8 - 0.01 * kl, "tokens_sampled": 2560 * step, "tokens_trained": 5120 * step}
    return row, parts


def response(prompt, sample, extra):
    """A note, hostile for each fourth prompt, with `extra` stock phrases: more of them far from pi_ref."""
    said = " . ".join(HACKS[(sample + j) % len(HACKS)] for j in range(extra))
    note = f"dear boss , my laptop was lost near the {('garden', 'office')[sample % 2]}" if prompt % 4 else HOSTILE[1]
    return f"{note} . {said}" if extra else note


def write_log(folder, cell, steps, method):
    """A training log: the KL climbs, the loss falls."""
    own = {"clip_share": 0.1, "policy_loss": 0.2} if method == "ppo" else {"pair_accuracy": 0.6, "chosen_logratio": -1}
    path = folder / "cells" / cell / "log.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = ({"step": s, "loss": 1 / (1 + s), **own} | ({"kl": 0.1 * s, "pace": 1.0} if s % 2 else {}) for s in steps)
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def best_of_n(rng, prompts, size=64, proxy="policy_sized", replicate=0, skill=0.8):
    """Rows of exact best-of-n over a pool of raw scores, and that pool; gold is 2 raw units a sd, centred at 3."""
    truth = rng.normal(0, 1, (prompts["report"], size))
    scores_PN = skill * truth + rng.normal(0, (1 - skill**2) ** 0.5, truth.shape)
    cell, proxy_id = f"bon-{proxy}-r{replicate}", f"{proxy}-r{replicate}"
    pool = [
        {"proxy_id": proxy_id, "prompt_id": f"r{p:04d}", "sample_id": i, "text_id": f"r{p:04d}-{i}"}
        | {"gold_raw": 3 + 2 * truth[p, i], "proxy_raw": 5 * scores_PN[p, i]}
        for p in range(len(truth))
        for i in range(size)
    ]
    rows, picks = [], []
    for n in 2 ** np.arange(int(np.log2(size)) + 1):
        weights = np.array([best_of_n_weights(scores, int(n)) for scores in scores_PN])
        gold, score = (weights * truth).sum(1), (weights * scores_PN).sum(1)
        row = {**ids(cell, "bon", f"n{n}"), "n": n, "replicate": replicate, "proxy_id": proxy_id, "sampler": "pool"}
        row |= {"kl_analytic": np.log(n) - (n - 1) / n, "kl_se": 0.0, "n_prompts": len(truth), "status": "ok"}
        row |= {"kl": 0.99 * row["kl_analytic"] if n <= size / 8 else None, "tokens_sampled": 20 * n}
        row |= {"gold": gold.mean(), "gold_se": gold.std(ddof=1) / len(gold) ** 0.5, "gold_raw": 3 + 2 * gold.mean()}
        row |= {"proxy": score.mean(), "proxy_se": score.std(ddof=1) / len(gold) ** 0.5, "proxy_raw": 5 * score.mean()}
        row |= {"gold_select": gold.mean() + rng.normal(0, 0.05), "kl_select": row["kl"]}
        rows.append(row)
        best = scores_PN[:, :n].argmax(1)
        for p, i in enumerate(best):
            scores = {"gold": truth[p, i], "proxy": scores_PN[p, i], "rubric": truth[p, i], "n_tokens": 20, "eos": True}
            words = {"prompt": f"note {p}", "response": f"dear boss {i}"}
            picks.append({"row_id": row["row_id"], "split": "report", "prompt_id": f"r{p:04d}", **words, **scores})
    return rows, picks, pool


def _config(betas):
    method = {"ppo": {"type": "ppo", "beta": list(betas)}, "dpo": {"type": "preference", "beta": list(betas)}}
    return {
        "name": "toy",
        "title": "A toy run </script><script>alert(1)</script>",
        "methods": ["ppo", "dpo", "bon"],
        "method": {**method, "bon": {"type": "best_of_n"}},
        "budgets": [0.25, 0.5, 1, 2, 4, 8, 16, 32],
        "replicates": 1,
    }


def _stages():
    metrics = {
        "world": {"prompts": 52_000_000},
        "sft": {"loss": 1.21},
        "gold": {"wide_corr": 0.93},
        "reference": {"entropy_nats": 18.3, "truncated_rate": 0.004, "gold_rubric_corr": 0.86},
        "units": {"gold_rubric_corr": 0.85, "gold_sd_raw": 1.5, "rubric_sd": 1.0},
        "pairs/r0": {"pairs": 4000, "label_noise": 0.22, "flipped": 0.0, "equal_pairs": 4, "equal_held_out": 1},
        "proxy/policy_sized/r0": {"held_out_accuracy": 0.71, "calibration_scale": 0.83, "held_out_ce": 0.56},
        "pool": {"best_of_64_gain": 1.9, "near_max_share": 0.012},
    }
    return {
        name: {
            "kind": name.split("/")[0],
            "key": f"{i:024x}",
            "config": {},
            "inputs": {},
            "metrics": m,
            "wall_s": 10.0 * (i + 1),
        }
        for i, (name, m) in enumerate(metrics.items())
    }
