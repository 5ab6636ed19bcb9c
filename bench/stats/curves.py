"""A cell as a curve over d = sqrt(KL): its rows in order, its peak row, its row at a declared KL.

The peak row is chosen on the `select` prompts and never on the prompts that are reported. `matched` has values between
rows, `fits` and `smooth` have fits. All of `stats` and the reports call it.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]
WINDOW = 1.5  # a value at a KL uses the rows within this factor of it
_AT_REFERENCE = 1e-3  # nats: float32 noise in the KL of pi_ref to itself stays far below


@dataclass(frozen=True, eq=False)
class Curve:
    """One cell's R evaluated policies in order of KL. Columns of `*_RP` are the P report prompts, crossed with rows.

    `kl` is in nats, `gold` and `proxy` are in gold's standard deviations. `gold_RP`, `proxy_RP`, `kl_RP` are means per
    prompt, in the order of `prompt_ids`; P is 0 when no sample was kept. Another score may stand in gold's place.
    """

    cell: str
    row_ids: tuple[str, ...]
    kl: Float
    gold: Float
    gold_se: Float
    proxy: Float
    kl_se: Float
    kl_select: Float
    gold_select: Float
    gold_RP: Float
    proxy_RP: Float
    kl_RP: Float
    prompt_ids: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.row_ids)

    @property
    def d(self) -> Float:
        return d_of(self.kl)

    @property
    def starts_at_reference(self) -> bool:
        """True if the first row is pi_ref itself."""
        return not self.kl[0] > _AT_REFERENCE

    @property
    def prompts(self) -> int:
        return self.gold_RP.shape[1]


def d_of(kl: ArrayLike) -> Float:
    """d = sqrt(KL); an estimate of KL just below zero is at 0."""
    return np.sqrt(np.maximum(np.asarray(kl, dtype=float), 0.0))


def peak_row(values: ArrayLike) -> int | None:
    """Index of the largest finite value, the earliest of equals; None when there is none."""
    x = np.asarray(values, dtype=float)
    return int(np.nanargmax(x)) if np.isfinite(x).any() else None


def nearest_row(curve: Curve, kl: float) -> int | None:
    """The row whose KL on the select prompts is nearest to `kl` in ratio and within WINDOW of it, else None.

    The select prompts decide, so that the row's reported gold plays no part in its choice. Where they were
    not measured, the report KL stands in.
    """
    measured = np.where(np.isfinite(curve.kl_select), curve.kl_select, curve.kl)
    distance = np.abs(np.log(np.where(measured > 0, measured, np.nan) / kl))
    near = np.where(distance <= math.log(WINDOW), distance, np.nan)
    return int(np.nanargmin(near)) if np.isfinite(near).any() else None


def end_row(curve: Curve, kl: float) -> tuple[int | None, str]:
    """The row at a declared KL, from which falls are measured; None, and why, where the curve supports none."""
    end = nearest_row(curve, kl)
    if end is None:
        reached = f"{np.nanmax(curve.kl):.3g}" if np.isfinite(curve.kl).any() else "no"
        return None, f"no row near the declared {kl:g} nats (the cell reached {reached} nats)"
    if curve.prompts < 2:
        return None, "no samples on the report prompts"
    if not curve.starts_at_reference:
        return None, "the first row is not pi_ref"
    return end, ""


def peak_between(curve: Curve, first: int, end: int) -> int | None:
    """The row in [first, end) that is highest on `select`, the earliest of equals; None without a value there."""
    row = peak_row(curve.gold_select[first:end])
    return None if row is None else first + row
