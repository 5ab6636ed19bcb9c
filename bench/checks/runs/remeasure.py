"""One stored policy, measured again: on its stored texts, and on fresh ones."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench.checks.runs.checked_run import CheckedRun, Manifest
from bench.checks.runs.finding import Check, Track, abbreviated
from bench.core.records import REPORT, read_parquet
from bench.core.seeds import np_stream, seed_of
from bench.lm.codec import encode
from bench.lm.kl import sequence_kl
from bench.lm.policy import Policy, load_policy
from bench.measure.evaluate import Protocol, draw, probe_columns
from bench.pipeline.scoring import open_protocol

NATS_TOLERANCE, NATS_RELATIVE = 1e-3, 1e-4
"""Float32 log-probs summed over some fifty tokens, in batches put together otherwise: about 1e-4 nats."""
STANDARD_ERRORS = 4.0
"""The limit on the prompts' mean difference between two independent sets of samples. A sound policy exceeds it once in
about 9,000 comparisons at 120 prompts (t); a run makes three."""


def check_policy(checked_run: CheckedRun, seed: int, track: Track) -> Check:
    """Measure one of the kept policies, chosen at random."""
    check = Check("a policy measured again")
    policies = [(cell, step) for cell in checked_run.sound_cells for step in _kept(checked_run.holders[cell])]
    if not policies:
        check.checked, check.note = "nothing", "no cell kept a policy (evaluation.save)"
        return check
    cell, step = policies[int(np_stream("verify.policy", seed).integers(len(policies)))]
    manifest, row_id = checked_run.cells[cell], f"{cell}@{step}"
    measurement, context = checked_run.measurement(manifest), checked_run.context(manifest)
    protocol = open_protocol(context, measurement)
    policy = load_policy(context.inputs["train"] / "policies" / step, checked_run.device)
    beta = checked_run.holders[cell]["config"]["method"].get("beta")
    rows, samples = (read_parquet(context.folder / name) for name in ("rows.parquet", "samples.parquet"))
    row = {**rows[rows["row_id"] == step].iloc[0].to_dict(), "row_id": row_id, "beta": beta}
    stored = samples[samples["row_id"] == step].reset_index(drop=True)
    for part in track(["stored texts", "fresh texts"]):
        if part == "stored texts":
            _reread(policy, protocol, row, stored, check)
        else:
            fresh = draw(policy, protocol, measurement.scoring, seed_of("verify.fresh", cell, seed), int(step))
            check.note = _compare_fresh(row_id, stored, fresh, check)
    check.checked = f"{row_id}, {len(stored)} texts, as many fresh"
    return check


def _kept(manifest: Manifest) -> list[str]:
    """Steps whose policies the stage holds."""
    paths = [file.split("/") for file in manifest["files"] if file.startswith("policies/")]
    return sorted({path[1] for path in paths}, key=int)


def _reread(policy: Policy, protocol: Protocol, row: Mapping[str, Any], stored: pd.DataFrame, check: Check) -> None:
    """KL and log-ratio of every stored text, the row's entropy, and the policy's log-probabilities of the probes."""
    tokens = encode(protocol.tokenizer, *(stored[c].tolist() for c in ("prompt", "response", "eos")))
    made = sequence_kl(policy, protocol.reference, tokens.to(protocol.device))
    for name, values in (("kl", made.kl_B), ("logratio", made.logratio_B)):
        for i, (was, now) in enumerate(zip(stored[name], values.double().tolist(), strict=True)):
            _near(f"{row['row_id']} {stored['prompt_id'][i]} {name}", was, now, check)
    report = (stored["split"] == REPORT).to_numpy(bool)
    columns = probe_columns(policy, protocol.probes, row["beta"] or None)
    columns["entropy"] = float(made.entropy_B.double().cpu().numpy()[report].mean())
    for name, value in columns.items():
        _near(f"{row['row_id']} {name}", row[name], value, check)


def _near(where: str, was: Any, now: float | None, check: Check) -> None:
    if now is None or pd.isna(was):
        right = now is None and bool(pd.isna(was))
    else:
        right = math.isclose(was, now, rel_tol=NATS_RELATIVE, abs_tol=NATS_TOLERANCE)
    if not right:
        check.find(where, f"is {abbreviated(was)}, the stored policy says {abbreviated(now)}")


def _compare_fresh(row_id: str, stored: pd.DataFrame, fresh: pd.DataFrame, check: Check) -> str:
    """Prompt by prompt on the report split: the mean difference against its standard error."""
    changes = []
    for name in ("kl", "gold", "proxy"):
        means = [t[t["split"] == REPORT].groupby("prompt_id")[name].mean() for t in (stored, fresh)]
        difference = means[1] - means[0]
        mean, se = float(difference.mean()), float(difference.sem())
        changes.append(f"{name} {means[0].mean():.3g} -> {means[1].mean():.3g} ({mean / se if se else 0.0:+.1f} se)")
        if abs(mean) > STANDARD_ERRORS * se:
            check.find(
                f"{row_id} {name}",
                f"is {means[0].mean():.4g}, on fresh samples {means[1].mean():.4g}: {abs(mean):.2g} apart, "
                f"more than {STANDARD_ERRORS:g} standard errors of {se:.2g}",
            )
    return ", ".join(changes)
