"""A random part of every cell's samples, scored again by gold, the proxy and the rubric."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bench.checks.runs.checked_run import CheckedRun
from bench.checks.runs.finding import Check, Track, abbreviated
from bench.core.records import read_parquet
from bench.core.seeds import np_stream
from bench.lm.codec import encode

SCORE_TOLERANCE = 2e-4
"""In standard units, so in gold standard deviations. Float32 batches that are put together otherwise move a score by
1e-5 on one machine, more between a GPU and a CPU; the standard error of a row is a hundred times this and more."""
RUBRIC_TOLERANCE = 1e-9
"""A program in float64; centring differs in the last digits."""


@dataclass
class _Largest:
    """The largest deviation of each scorer over all checked samples."""

    of: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("gold", "proxy", "rubric"), 0.0))
    samples: int = 0


def check_scores(checked_run: CheckedRun, share: float, seed: int, track: Track) -> Check:
    """A share of each row's samples: scores, rubric parts and lengths against the stored ones."""
    check, largest = Check("scores of samples"), _Largest()
    for cell, manifest in track(list(checked_run.sound_cells.items())):
        samples = read_parquet(checked_run.folder(manifest) / "samples.parquet")
        samples["row_id"] = f"{cell}@" + samples["row_id"]
        chosen = _part(samples, share, np_stream("verify.scores", seed, cell))
        measurement = checked_run.measurement(manifest)
        tokens = encode(measurement.tokenizer, *(chosen[c].tolist() for c in ("prompt", "response", "eos")))
        texts = chosen[["prompt_id", "prompt", "response"]].astype(object)
        judged = measurement.scoring.score(tokens.to(checked_run.device), texts)
        judged["n_tokens"] = tokens.lengths.numpy()
        _compare(chosen, judged, check, largest)
    check.checked = f"{largest.samples} samples"
    check.note = "largest deviation: " + ", ".join(f"{name} {value:.1g}" for name, value in largest.of.items())
    return check


def _part(samples: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
    """`share` of each row's samples, drawn at random, at least one."""
    mixed = samples.iloc[rng.permutation(len(samples))]
    by_row = mixed.groupby("row_id", sort=False)["row_id"]
    return mixed[by_row.cumcount() < share * by_row.transform("size")].sort_index().reset_index(drop=True)


def _compare(stored: pd.DataFrame, judged: pd.DataFrame, check: Check, largest: _Largest) -> None:
    parts = [c for c in judged.columns if c.startswith("rubric_")]
    tolerances = {"gold": SCORE_TOLERANCE, "proxy": SCORE_TOLERANCE, "n_tokens": 0.0}
    tolerances |= dict.fromkeys(["rubric", *parts], RUBRIC_TOLERANCE)
    for column, tolerance in tolerances.items():
        was, now = stored[column].to_numpy(float), judged[column].to_numpy(float)
        off = np.abs(now - was)
        for i in np.flatnonzero(~(off <= tolerance)):
            name = f"{stored['row_id'][i]} {stored['prompt_id'][i]} {column}"
            check.find(
                name,
                f"is {abbreviated(was[i])}, scored again {abbreviated(now[i])}: {abbreviated(stored['response'][i])}",
            )
        if column in largest.of:
            largest.of[column] = max(largest.of[column], float(off.max()))
    largest.samples += len(stored)
