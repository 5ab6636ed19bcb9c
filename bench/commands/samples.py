"""`bench samples`: texts of a policy beside those of pi_ref to the same prompts, with every score."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import Field
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bench.commands.options import Options, one_place, parse
from bench.core.records import REPORT
from bench.errors import ConfigError, did_you_mean
from bench.runs.folder import Run, load_run

WIDE = 100  # columns from which two texts stand side by side
_LISTED = 6  # choices that an error lists
ORDERS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "gap": lambda texts: texts["proxy"] - texts["gold"],
    "gold": lambda texts: texts["gold"],
    "proxy": lambda texts: texts["proxy"],
    "length": lambda texts: texts["n_tokens"],
}


class SamplesOptions(Options):
    """Print texts of a policy beside those of pi_ref to the same prompts, with gold, proxy and rubric scores."""

    example: ClassVar[tuple[str, ...]] = ("bench samples runs/overopt-1a2b3c4d budget=8 n=3",)

    cell: str | None = Field(default=None, description="the training run; the first trained one by default")
    row: str | None = Field(default=None, description="one policy by its row_id, instead of cell and budget")
    budget: float | None = Field(
        default=None,
        gt=0,
        description="the policy nearest to this KL; the cell's last one by default",
        json_schema_extra={"metavar": "NATS"},
    )
    n: int = Field(default=5, ge=1, description="number of texts")
    sort: str = Field(
        default="gap",
        description="the score with the largest values first; gap is proxy - gold",
        json_schema_extra={"metavar": "|".join(ORDERS)},
    )


OPTIONS = SamplesOptions


def main(words: Sequence[str]) -> int:
    places, options = parse(words, SamplesOptions)
    show_samples(one_place(places, "samples"), options)
    return 0


def show_samples(path: str, options: SamplesOptions, console: Console | None = None) -> None:
    """Print the texts of one policy: `row`, or of `cell` the one nearest to `budget`, else its last."""
    run = load_run(path)
    row = _policy(run, options)
    by = ORDERS[_choice("sort", options.sort, ORDERS)]
    of_row = run.samples["row_id"] == row["row_id"]
    pairs = _with_reference(run, row, run.samples[of_row & (run.samples["split"] == REPORT)])
    if pairs.empty:
        raise ConfigError(f"{row['row_id']} has no samples on the report prompts")
    selected = pairs.assign(by=by(pairs)).sort_values("by", ascending=False, kind="stable").head(options.n)
    console = console or Console(highlight=False)
    console.print(_headline(row))
    units = "gold and proxy in gold's sd, rubric in its own, KL in nats"
    console.print(f"{len(selected)} of {len(pairs)} texts, largest {options.sort} first; {units}\n")
    for _, sample in selected.iterrows():
        console.print(Text(str(sample["prompt"]), style="bold yellow"))
        console.print(_side_by_side(_boxes(row, sample), console.width))


def _policy(run: Run, options: SamplesOptions) -> pd.Series:
    """The row that the options select. Raises ConfigError."""
    rows = run.rows[run.rows["status"] == "ok"]
    if rows.empty:
        raise ConfigError(f"{run.path} has no measured policy yet; wait for its first cell")
    if options.row is not None:
        if options.cell is not None or options.budget is not None:
            raise ConfigError("row= names one policy; leave out cell= and budget=")
        return rows[rows["row_id"] == _choice("row", options.row, rows["row_id"])].iloc[0]
    trained = rows[rows["method_type"] != "reference"] if options.cell is None else rows
    cell = _choice("cell", options.cell or str((trained if len(trained) else rows)["cell"].iloc[0]), rows["cell"])
    rows = rows[rows["cell"] == cell]
    kl = rows["kl"].fillna(rows["kl_analytic"]).to_numpy(float)
    if options.budget is None:
        return rows.iloc[-1]
    return rows.iloc[int(np.abs(np.log(np.maximum(kl, 1e-9) / options.budget)).argmin())]


def _choice(key: str, value: str, choices: Iterable[str]) -> str:
    """Return `value` if it is one of the choices. Raises ConfigError."""
    names = list(dict.fromkeys(choices))
    if value not in names:
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        listed = ", ".join(names[:_LISTED]) + more
        raise ConfigError(f"unknown {key} {value!r}; choose from {listed}{did_you_mean(value, names)}")
    return value


def _with_reference(run: Run, row: pd.Series, samples: pd.DataFrame) -> pd.DataFrame:
    """The policy's samples, each joined with pi_ref's of the same prompt and place, as `ref_*`.

    pi_ref is the cell's first row: training starts there, and best-of-1 is pi_ref.
    """
    cell = run.rows[(run.rows["cell"] == row["cell"]) & (run.rows["status"] == "ok")]
    first = cell[(cell["step"] == 0) | (cell["n"] == 1)]["row_id"]
    reference = run.samples[run.samples["row_id"].isin(first) & (run.samples["split"] == REPORT)]
    place = ["prompt_id", "at"]
    left, right = (t.assign(at=t.groupby("prompt_id").cumcount()) for t in (samples, reference))
    columns = ["response", "gold", "proxy", "rubric", "kl", "n_tokens"]
    named = right[place + columns].rename(columns={c: f"ref_{c}" for c in columns})
    return left.merge(named, on=place, how="left")


def _headline(row: pd.Series) -> Text:
    kl = f"{row['kl']:.2f}" if pd.notna(row["kl"]) else f"at most {row['kl_analytic']:.2f}"
    scores = ", ".join(f"{name} {row[name]:+.2f} ± {row[f'{name}_se']:.2f}" for name in ("gold", "proxy", "rubric"))
    return Text.assemble((str(row["row_id"]), "bold"), f"  KL {kl} nats, {scores}")


def _boxes(row: pd.Series, sample: pd.Series) -> list[RenderableType]:
    """pi_ref's text and the policy's, each under its scores."""
    sides = [("pi_ref", "ref_", "dim")] if pd.notna(sample["ref_response"]) else []
    boxes: list[RenderableType] = []
    for name, prefix, style in [*sides, (str(row["method"]), "", "")]:
        gap = sample[f"{prefix}proxy"] - sample[f"{prefix}gold"]
        scores = "  ".join(f"{c} {sample[prefix + c]:+.2f}" for c in ("gold", "proxy", "rubric"))
        kl = sample[f"{prefix}kl"]
        tail = f"  KL {kl:.3g}" if pd.notna(kl) else ""
        head = Text.assemble((f"{name}  ", "bold"), (f"{scores}  gap {gap:+.2f}{tail}", "cyan"))
        boxes.append(Text.assemble(head, "\n", (str(sample[f"{prefix}response"]), style)))
    return boxes


def _side_by_side(boxes: list[RenderableType], width: int) -> RenderableType:
    """Two columns on a wide terminal, one below the other on a narrow one."""
    grid = Table.grid(padding=(0, 3), expand=True)
    if width >= WIDE:
        for _ in boxes:
            grid.add_column(ratio=1)
        grid.add_row(*boxes)
    else:
        grid.add_column()
        for box in boxes:
            grid.add_row(box)
    return Padding(grid, (0, 0, 1, 0))
