"""A made-up run of preference methods: six offline losses on one frontier, and a spectrum from stored to fresh pairs.

Logs hold what batches of made-up margins give, so that losses and terms are those of the true f.
"""

import json
import zlib

import numpy as np
import pandas as pd

from bench.core.records import ROW_COLUMNS, SAMPLE_COLUMNS, frame, write_parquet

F = {
    "logistic": lambda x: np.logaddexp(0, -x),
    "squared": lambda x: (x - 1) ** 2,
    "hinge": lambda x: np.maximum(0, 1 - x),
    "exponential": lambda x: np.exp(-x),
    "truncated_quadratic": lambda x: np.maximum(0, 1 - x) ** 2,
    "savage": lambda x: 1 / (1 + np.exp(x)) ** 2,
}
SLOPE = {"logistic": -0.5, "squared": -2, "hinge": -1, "exponential": -1, "truncated_quadratic": -2, "savage": -0.25}
BEND = {"logistic": 0.25, "squared": 2, "hinge": 0, "exponential": 1, "truncated_quadratic": 2, "savage": 0.125}
OFFLINE = {"dpo": "logistic", "ipo": "squared", "slic": "hinge"}
OFFLINE |= {name: name for name in ("exponential", "truncated_quadratic", "savage")}
BETAS = (0.005, 0.015, 0.05, 0.15, 0.5)  # where |f''(0)/f'(0)| is 1
FRESH = {"iterative": ("iterative16", 1.1), "online_dpo": ("online", 1.4)}  # sampler, height of gold's hump
FRESH |= {"replay": ("replay", 1.4), "replay_shuffled": ("replay_shuffled", 0.9)}
OFFLINE_HEIGHT, PEAK, BATCH = 0.8, 2.2, 64
PROMPTS = {"report": 24, "select": 12}


def make_preferences(synthetic, folder, claims=(), samples=2, replicates=3, spread=0.02, heights=(), prompts=None):
    """Write a run folder. `heights` overrides some methods' humps; `synthetic` is the module beside this one."""
    rng, rows, texts = np.random.default_rng(0), [], []
    for cell in _cells(replicates):
        height = dict(heights).get(cell["method"], cell["height"]) * rng.normal(1, spread)
        kls = synthetic.GRID[cell["reach"] >= synthetic.GRID] * _stream(cell).uniform(0.95, 1.05)
        for i, (kl, held_out) in enumerate(zip(kls, _held_out(cell, kls), strict=True)):
            truth = synthetic.hump(np.sqrt(kl), PEAK, height), 0.4 * np.sqrt(kl)
            args = (10 * i, kl, truth, samples, prompts or PROMPTS)
            row, some = synthetic.policy(rng, cell["cell"], cell["method"], *args)
            own = {k: cell[k] for k in ("sampler", "loss", "beta", "replicate")} | held_out
            rows.append({**row, **own, "proxy_id": "policy_sized-r0", "pairs_n": 4000, "samples_seen": 1280 * i})
            texts += some
        _write_log(folder, cell, kls)
    write_parquet(frame(rows, ROW_COLUMNS), folder / "rows.parquet")
    write_parquet(frame(pd.concat(texts), SAMPLE_COLUMNS), folder / "samples.parquet")
    synthetic.write_json_files(folder, _config(claims), "done")
    return folder


def betas_of(loss):
    """In inverse proportion to |f''(0)/f'(0)|, as the expansion has it; all reach as far at the same rank."""
    return [beta * (abs(SLOPE[loss] / BEND[loss]) if BEND[loss] else 1) for beta in BETAS]


def _cells(replicates):
    for method, loss in OFFLINE.items():
        for rank, beta in enumerate(betas_of(loss)):
            for r in range(replicates if rank == 0 else 1):
                yield _cell(method, loss, "offline", OFFLINE_HEIGHT, beta, rank, r)
    for method, (sampler, height) in FRESH.items():
        for r in range(replicates):
            yield _cell(method, "logistic", sampler, height, 0.01, 0, r)


def _cell(method, loss, sampler, height, beta, rank, replicate):
    own = {"cell": f"{method}-b{beta:g}-r{replicate}", "method": method, "loss": loss, "sampler": sampler}
    own |= {"path": "online_dpo" if sampler == "replay" else method, "rank": rank, "reach": 40 / 3**rank}
    return {**own, "height": height, "beta": beta, "replicate": replicate}


def _stream(cell, *more):
    """Of what happens on the cell's path: a replay in order has its source's."""
    return np.random.default_rng([zlib.crc32(cell["path"].encode()), cell["rank"], cell["replicate"], *more])


def _held_out(cell, kls):
    """Offline the chosen response falls and accuracy rises faster than online."""
    offline = cell["sampler"] == "offline"
    noise = _stream(cell, 1).normal(0, 0.002, len(kls))
    accuracy = 0.5 + (0.1 if offline else 0.05) * np.sqrt(kls) / 3 + noise
    columns = {"pair_accuracy": accuracy, "chosen_logratio": -0.2 * kls, "rejected_logratio": -0.3 * kls + noise}
    return pd.DataFrame(columns).to_dict("records")


def _write_log(folder, cell, kls):
    """Offline batches are the same for all losses; the smallest betas of all but the hinge never part."""
    beta, loss = cell["beta"], cell["loss"]
    parts_at = {"slic": 60}.get(cell["method"], 10**6) if cell["rank"] == 0 else 20
    lines = []
    for step in range(1, 10 * len(kls)):
        batch = (7, cell["replicate"]) if cell["sampler"] == "offline" else (zlib.crc32(cell["path"].encode()),)
        drawn = np.random.default_rng([*batch, step]).normal(0.3, 1, BATCH)
        own = _stream(cell, 2, step).normal(0, 0.004, BATCH) * max(step - parts_at, 0)
        rho = (step - 1) * (0.15 * drawn + own)
        x, rejected = beta * rho, -0.2 * step
        line = {"step": step, "loss": F[loss](x).mean(), "chosen_logratio": rejected + rho.mean()}
        line |= {"rejected_logratio": rejected, "pair_accuracy": (rho > 0).mean()}
        line |= {"preference_term": SLOPE[loss] * x.mean(), "regularization_term": BEND[loss] / 2 * (x**2).mean()}
        if step % 2:
            line |= {"kl": float(np.interp(step / 10, np.arange(len(kls)), kls)), "pace": 1.0}
        lines.append(json.dumps(line))
    path = folder / "cells" / cell["cell"] / "log.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines))


def _config(claims):
    method = {name: {"type": "preference", "f": loss, "beta": betas_of(loss)} for name, loss in OFFLINE.items()}
    method |= {name: {"type": "preference", "f": "logistic", "beta": [0.01]} for name in FRESH}
    method["iterative"]["refresh_every"], method["online_dpo"]["refresh_every"] = 16, 1
    for name, order in (("replay", "recorded"), ("replay_shuffled", "shuffled")):
        method[name] |= {"replay": "online_dpo", "order": order}
    named = {"name": "toy", "title": "Preference losses and where their pairs come from", "methods": list(method)}
    budgets = [0.25, 0.5, 1, 2, 4, 8, 16, 32]
    return {**named, "method": method, "budgets": budgets, "replicates": 1, "claims": list(claims)}
