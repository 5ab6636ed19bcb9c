"""Schema of rows and samples: the contract with reports and other programs.

A row is one evaluated policy. Rows hold no timings: the same inputs give the same bytes.
A value that could not be computed is null, never 0, and `reason` says why.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import ConfigError

SCHEMA_VERSION = 1

REPORT, SELECT = "report", "select"  # the splits that policies are measured on

_TEXT, _INT, _FLOAT, _BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()

ROW_COLUMNS: dict[str, pa.DataType] = {
    "schema": _INT,
    "suite": _TEXT,
    "row_id": _TEXT,  # <cell>@<step>; best-of-n: <cell>@n<n>
    "cell": _TEXT,
    "method": _TEXT,
    "sampler": _TEXT,
    "loss": _TEXT,
    "beta": _FLOAT,
    "n": _INT,
    "proxy_id": _TEXT,
    "proxy_params": _INT,
    "pairs_n": _INT,
    "label_noise": _FLOAT,
    "replicate": _INT,
    "seed": _INT,
    "pairs_seed": _INT,
    "proxy_seed": _INT,
    "step": _INT,
    "samples_seen": _INT,
    "tokens_sampled": _INT,
    "tokens_trained": _INT,
    "labels_used": _INT,
    "kl": _FLOAT,  # nats per sequence, Rao-Blackwellised
    "kl_se": _FLOAT,
    "kl_k1": _FLOAT,  # nats per sequence: mean log-ratio on the same samples
    "kl_k1_se": _FLOAT,
    "kl_analytic": _FLOAT,  # best-of-n: log n - (n-1)/n
    "kl_per_token": _FLOAT,
    "gold": _FLOAT,  # gold standard deviations above pi_ref, like proxy
    "gold_se": _FLOAT,
    "gold_raw": _FLOAT,
    "proxy": _FLOAT,
    "proxy_se": _FLOAT,
    "proxy_z": _FLOAT,  # in standard deviations of the proxy
    "proxy_raw": _FLOAT,
    "rubric": _FLOAT,  # in standard deviations of the rubric
    "rubric_se": _FLOAT,
    "gold_rubric_corr": _FLOAT,
    "win_rate": _FLOAT,
    "win_rate_se": _FLOAT,
    "implicit_reward": _FLOAT,
    "pair_accuracy": _FLOAT,
    "chosen_logratio": _FLOAT,
    "rejected_logratio": _FLOAT,
    "length": _FLOAT,
    "repetition": _FLOAT,
    "distinct2": _FLOAT,
    "entropy": _FLOAT,  # nats per sequence
    "eos_rate": _FLOAT,
    "truncated_rate": _FLOAT,
    "n_prompts": _INT,
    "kl_select": _FLOAT,
    "gold_select": _FLOAT,
    "proxy_select": _FLOAT,
    "status": _TEXT,  # ok, failed, diverged
    "reason": _TEXT,
}

SAMPLE_COLUMNS: dict[str, pa.DataType] = {
    "row_id": _TEXT,
    "split": _TEXT,
    "prompt_id": _TEXT,
    "prompt": _TEXT,
    "response": _TEXT,
    "gold": _FLOAT,
    "proxy": _FLOAT,
    "rubric": _FLOAT,
    "logratio": _FLOAT,
    "kl": _FLOAT,
    "n_tokens": _INT,
    "eos": _BOOL,
}

POOL_COLUMNS: dict[str, pa.DataType] = {
    "proxy_id": _TEXT,
    "prompt_id": _TEXT,
    "sample_id": _INT,
    "text_id": _TEXT,
    "gold": _FLOAT,
    "proxy": _FLOAT,
    "rubric": _FLOAT,
    "n_tokens": _INT,
    "logp": _FLOAT,
}


def frame(records: Sequence[Mapping[str, Any]] | pd.DataFrame, columns: Mapping[str, pa.DataType]) -> pd.DataFrame:
    """Records as a DataFrame with every column of `columns`, typed and in order. `rubric_<part>` follow `rubric*`.

    Absent values become null. Raises KeyError for a key that is neither in `columns` nor a `rubric_<part>`.
    """
    table = pd.DataFrame(records)
    parts = sorted(c for c in table.columns if c.startswith("rubric_") and c not in columns)
    unknown = set(table.columns) - set(columns) - set(parts)
    if unknown:
        raise KeyError(f"unknown columns {sorted(unknown)}; choose from {', '.join(columns)}, or rubric_<part>")
    names = list(columns)
    after = max((i for i, name in enumerate(names) if name.startswith("rubric")), default=len(names) - 1) + 1
    ordered = names[:after] + parts + names[after:]
    types = {**columns, **dict.fromkeys(parts, _FLOAT)}
    arrow = {"string": "string", "int64": "Int64", "double": "float64", "bool": "boolean"}
    return pd.DataFrame(
        {name: pd.Series(table.get(name, None), index=table.index, dtype=arrow[str(types[name])]) for name in ordered}
    )


def named(table: pd.DataFrame, identity: Mapping[str, Any], columns: Mapping[str, pa.DataType]) -> pd.DataFrame:
    """A stage's table with the columns that only a plan knows: the cell's names, seeds, sampler, loss and beta.

    A stage's `row_id` holds what follows `<cell>@`.
    """
    known = {name: value for name, value in identity.items() if name in columns}
    if "row_id" in columns:
        known["row_id"] = f"{identity['cell']}@" + table["row_id"].astype(str)
    return frame(table.assign(**known), columns)


def write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Write a table so that equal tables give equal bytes."""
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None), path)


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a table, with missing integers and booleans kept as nulls. Raises ConfigError for a damaged file."""
    try:
        table = pq.read_table(path)
    except pa.ArrowException as error:
        raise ConfigError(
            f"{path} is damaged: it is not a whole Parquet file; delete it and give the run's command again"
        ) from error
    return table.to_pandas(
        types_mapper={
            _INT: pd.Int64Dtype(),
            _BOOL: pd.BooleanDtype(),
            _TEXT: pd.StringDtype(),
            pa.large_string(): pd.StringDtype(),
        }.get
    )
