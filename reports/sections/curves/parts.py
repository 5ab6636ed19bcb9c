"""The rubric's parts along d: in which way the texts get worse."""

from reports.analysis.analysis import Analysis
from reports.analysis.settings import representative
from reports.draw.figure import Figure, Panel, Series, furthest, padded
from reports.draw.labels import beyond_entropy, beyond_entropy_keys, method_keys
from reports.draw.style import method_color, method_label
from reports.read.cell import Cell
from reports.read.run import RunData
from reports.sections.section import Section

_PARTS = (
    "Each part of the rubric above π_ref's mean on the same prompts, in the rubric's sd, so that a policy's parts "
    "add up to its rubric. One line a method: its smallest coefficient, first replicate."
)


_PREFIX, _NOT_PARTS = "rubric_", ("rubric_se",)


def parts(analysis: Analysis) -> Figure | None:
    """A panel a part, a line a method: its smallest coefficient, its first replicate."""
    run = analysis.run
    names = [c for c in run.ok.columns if c.startswith(_PREFIX) and c not in _NOT_PARTS and run.ok[c].notna().any()]
    cells = [representative(curved) for method in run.methods if (curved := _curved(run, method))]
    if not names or not cells:
        return None
    lines = {name: tuple(_line(cell, name) for cell in cells) for name in names}
    everything = [s for series in lines.values() for s in series]
    y_range = padded([s.y for s in everything])
    d_max = furthest(everything)
    marks = beyond_entropy(run, everything)
    panels = tuple(
        Panel(
            name.removeprefix(_PREFIX).replace("_", " ").capitalize(),
            "√KL",
            "rubric sd above π_ref",
            series,
            marks,
            kl_on_top=True,
            x_range=(0.0, 1.04 * d_max),
            y_range=y_range,
        )
        for name, series in lines.items()
    )
    return Figure(
        "parts",
        "How the rubric falls apart",
        _PARTS,
        "Each part of the rubric against the square root of KL, one line a method.",
        panels,
        (*method_keys(cells), *beyond_entropy_keys(panels)),
    )


def _curved(run: RunData, method: str) -> list[Cell]:
    return [c for c in run.trained if c.method == method and len(c.curve) > 1 and not c.best_of_n]


def _line(cell: Cell, name: str) -> Series:
    y = cell.rows[name].to_numpy(dtype=float)
    label = f"{name.removeprefix(_PREFIX)}, {method_label(cell.kind)}"
    color = method_color(cell.kind)
    return Series(label, cell.curve.d, y, color, width=1.6, method=cell.method, row_ids=cell.curve.row_ids)


SECTION = Section("parts", "How the rubric falls apart", (parts,))
