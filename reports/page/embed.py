"""The data of a page: every evaluated policy's row, and packs that the script unpacks on demand.

A pack is JSON, gzipped and in base64, so that texts weigh a tenth and nothing in them can end a script element.
`html` and `drilldown` call it.
"""

import base64
import gzip
import json
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype

from reports.read.run import RunData

_LEFT_OUT = ("schema", "suite", "row_id", "status", "reason", "proxy_name", "setting")


def pack(value: Any) -> str:
    """A value for the script's `unpack`. The same value gives the same text."""
    plain = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    return base64.b64encode(gzip.compress(plain, compresslevel=6, mtime=0)).decode("ascii")


def rows_json(run: RunData) -> dict[str, Any]:
    """The evaluated policies as columns of plain values, numbers to five digits; empty columns left out."""
    rows = run.ok
    names = [name for name in rows.columns if name not in _LEFT_OUT and rows[name].notna().any()]
    return {"ids": rows.row_id.tolist(), "columns": {name: plain(rows[name]) for name in names}}


def plain(column: pd.Series) -> list[Any]:
    """A column as JSON values, numbers to five digits; missing ones are null."""
    if is_float_dtype(column.dtype):
        values = column.to_numpy(dtype=float)
        return [float(f"{v:.5g}") if np.isfinite(v) else None for v in values]
    return [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]
