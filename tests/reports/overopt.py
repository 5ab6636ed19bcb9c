"""A made-up run of the suite overopt: every method, coefficient, control and replicate, with claims of known truth."""

import numpy as np
import pandas as pd

from bench.core.records import POOL_COLUMNS, ROW_COLUMNS, SAMPLE_COLUMNS, frame, write_parquet

OFFLINE = {"dpo": (0.01, 0.03, 0.1, 0.3, 1), "ipo": (0.005, 0.015, 0.05, 0.15, 0.5)}
BETAS = {"ppo": (0, 0.03, 0.1, 0.3, 1), **OFFLINE, "slic": OFFLINE["ipo"]}
LOSSES = {"dpo": "logistic", "ipo": "squared", "slic": "hinge"}
SIZES = {"dpo": (1.7, 0.7), "ipo": (1.9, 0.65), "slic": (1.6, 0.6)}  # d and height of each hump


def make_overopt(
    synthetic,
    folder,
    claims=(),
    samples=2,
    state="done",
    seed=0,
    prompts=None,
    replicates=3,
    evaluations=16,
    spread=0.06,
):
    """Write a run folder. `synthetic` is the module beside this one."""
    prompts = prompts or {"report": 24, "select": 12}
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    rows, texts = [], []
    for cell in cells(replicates):
        effect = rng.normal(1, spread)
        for step, kl in enumerate(synthetic.GRID * rng.uniform(0.93, 1.03)):
            if kl > cell["reach"]:
                break
            d = np.sqrt(kl)
            gold, proxy, rubric = (effect * value for value in cell["truth"](synthetic, d))
            args = (step * 10, kl, (gold, proxy), samples, prompts, rubric)
            row, some = synthetic.policy(rng, cell["name"], cell["method"], *args)
            sampler = "offline" if cell["method"] in SIZES else "on_policy"
            static = {k: cell[k] for k in ("beta", "replicate", "proxy_id")}
            loss = LOSSES.get(cell["method"], "ppo")
            rows.append({**row, **static, "sampler": sampler, "loss": loss, "pairs_n": 4000})
            texts += some
        synthetic.write_log(folder, cell["name"], range(1, 300), "ppo" if "ppo" in cell["method"] else cell["method"])
    for evaluation in range(evaluations):
        row, some = synthetic.policy(rng, "reference-r0", "reference", evaluation, 0.0, (0.0, 0.0), samples, prompts)
        rows.append({**row, "beta": None, "replicate": 0})
        texts += some
    pools = []
    for proxy, skill in (("small", 0.45), ("policy_sized", 0.75)):
        best, picks, pool = synthetic.best_of_n(rng, prompts, 256, proxy, 0, skill)
        rows += best
        texts.append(pd.DataFrame(picks))
        pools += pool
    write_parquet(frame(rows, ROW_COLUMNS), folder / "rows.parquet")
    write_parquet(frame(pd.concat(texts), SAMPLE_COLUMNS), folder / "samples.parquet")
    write_parquet(frame(pools, POOL_COLUMNS), folder / "bon_pool.parquet")
    synthetic.write_json_files(folder, config(claims, replicates), state)
    return folder


def cells(replicates):
    """Every training cell: where it ends (nats) and its (gold, proxy, rubric) over d."""
    for method, betas in BETAS.items():
        for proxy in ("small", "policy_sized") if method == "ppo" else ("policy_sized",):
            for i, beta in enumerate(betas):
                if proxy == "small" and i:
                    continue
                height = {"small": 0.35, "policy_sized": 0.9}[proxy] if method == "ppo" else SIZES[method][1]
                peak = {"small": 1.1, "policy_sized": 2.2}[proxy] if method == "ppo" else SIZES[method][0]
                for r in range(replicates if i == 0 else 1):
                    yield _cell(method, proxy, beta, r, 40 / 4**i, _humped(peak * (1 + 0.1 * i), height))
    for r in range(replicates):
        yield _cell("ppo_gold", "gold", 0, r, 40, lambda s, d: (0.45 * d, 0.45 * d, 0.3 * d))
        yield _cell("ppo_noise", "permuted", 0, r, 40, lambda s, d: (-0.25 * d, 0.1 * d, -0.3 * d))


def _humped(peak, height):
    return lambda synthetic, d: (synthetic.hump(d, peak, height), 0.6 * d, synthetic.hump(d, 0.8 * peak, height))


def _cell(method, proxy, beta, replicate, reach, truth):
    proxy_id = proxy if proxy == "gold" else f"{proxy}-r{replicate}"
    name = f"{method}-{proxy}-b{beta:g}-r{replicate}"
    own = {"name": name, "method": method, "beta": beta, "replicate": replicate, "proxy_id": proxy_id}
    return {**own, "reach": reach, "truth": truth}


def config(claims, replicates):
    method = {name: {"type": "preference", "f": LOSSES.get(name), "beta": list(betas)} for name, betas in BETAS.items()}
    method["ppo"] = {"beta": list(BETAS["ppo"]), "type": "ppo", "proxy": ["policy_sized", "small"]}
    method |= {
        "bon": {"type": "best_of_n", "proxy": ["small", "policy_sized"]},
        "ppo_gold": {"type": "ppo", "proxy": ["gold"], "beta": [0]},
        "ppo_noise": {"type": "ppo", "proxy": ["permuted"], "beta": [0]},
        "reference": {"type": "reference"},
    }
    return {
        "name": "overopt",
        "title": "Reward over-optimization by PPO, DPO, IPO, SLiC and best-of-n",
        "methods": list(method),
        "method": method,
        "proxies": {"small": {}, "policy_sized": {}, "permuted": {"labels": "permuted"}},
        "budgets": [0.25, 0.5, 1, 2, 4, 8, 16, 32],
        "replicates": replicates,
        "claims": list(claims),
    }
