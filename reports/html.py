"""Renders one offline page: every text escaped, Plotly inlined, no request to any network.

`make` calls `render`. The look is in templates/report.css, the drawing in templates/report.js.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from bench.stats.estimate import plus_minus
from reports.figure import Figure, Key
from reports.findings import Sentence, nats
from reports.interactive import panel_json, plotly_source
from reports.load import RunData
from reports.style import method_color, method_label
from reports.tables import Table
from reports.texts import CellTexts

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, eq=False)
class Page:
    """All that the template may show."""

    run: RunData
    findings: Sequence[Sentence]
    figures: Sequence[Figure]
    tables: Mapping[str, Table]
    texts: Sequence[CellTexts]

    @property
    def title(self) -> str:
        return str(self.run.config.get("title") or self.run.config.get("name") or self.run.path.name)

    @property
    def state(self) -> str:
        return str(self.run.run.get("state", "unknown"))

    @cached_property
    def summary(self) -> str:
        """One sentence of what was run."""
        run = self.run
        methods = [method_label(m) for m in run.methods]
        failed = run.bad.cell.nunique()
        unfinished = f" {failed} cell{'s' if failed > 1 else ''} did not finish." if failed else ""
        if not methods:
            return f"No policy has been evaluated yet.{unfinished}"
        cells = run.trained
        prompts = run.ok.n_prompts.dropna()
        over = f" on {int(prompts.max())} report prompts" if len(prompts) else ""
        reach = max(c.reach for c in cells)
        far = f", up to {nats(reach)} nats from π_ref" if reach else ""
        count = f"{len(cells)} cell{'s' if len(cells) != 1 else ''}"
        replicates = len({c.replicate for c in cells})
        again = f", up to {replicates} replicates" if replicates > 1 else ", one replicate"
        names = ", ".join(methods[:-1]) + (" and " if len(methods) > 1 else "") + methods[-1]
        what = f"{names}: {count}{again}, {len(run.ok)} evaluated policies{over}"
        return f"{what}{far}.{unfinished}"

    @property
    def provenance(self) -> list[tuple[str, str]]:
        return _flat({name: value for name, value in self.run.run.items() if name != "failures"})


def render(page: Page) -> str:
    """The page as text."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"prose": prose, "number": _number, "swatch": swatch}
    panels = {figure.name: panel_json(figure) for figure in page.figures}
    return environment.get_template("report.html.j2").render(
        page=page,
        images={figure.name: _image(page.run.path / "figures" / f"{figure.name}.png") for figure in page.figures},
        figures_json=script_json(panels),
        config_text=json.dumps(page.run.config, indent=2, ensure_ascii=False),
        css=_source("report.css"),
        script=_source("report.js"),
        plotly=Markup(plotly_source()) if page.figures else "",
        method_color=method_color,
        method_label=method_label,
    )


def prose(value: str) -> Markup:
    """Escaped text with the reference policy's subscript; a number and its error stay on one line."""
    text = str(escape(value)).replace(" ± ", "\u00a0±\u00a0")
    return Markup(text.replace("π_ref", "π<sub>ref</sub>"))


def script_json(value: Any) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def swatch(key: Key) -> Markup:
    """A short sample of a line, in both themes' colours."""
    dash = {"solid": "none", "dash": "5 3", "dot": "1.5 3"}[key.dash]
    style = f"--light:{key.color.light};--dark:{key.color.dark}"
    line = Markup('<line x1="1" y1="5" x2="23" y2="5" stroke-dasharray="{}"/>').format(dash)
    shapes = {
        "dot": Markup('<circle cx="12" cy="5" r="3.5"/>'),
        "open": Markup('<circle cx="12" cy="5" r="3.5" fill="none"/>'),
        "diamond": Markup('<path d="M12 0.5 16.5 5 12 9.5 7.5 5z"/>'),
        "region": Markup('<rect x="1" y="0" width="22" height="10" stroke="none" fill-opacity="0.1"/>'),
    }
    return Markup('<svg class="swatch" style="{}" viewBox="0 0 24 10" aria-hidden="true">{}</svg>').format(
        style, shapes.get(key.marker, line)
    )


def _number(value: float) -> str:
    return plus_minus(value, float("nan"), signed=True)


def _source(name: str) -> Markup:
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))


def _image(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested JSON as (dotted name, text) pairs."""
    if isinstance(value, Mapping):
        return [pair for key, inner in value.items() for pair in _flat(inner, f"{name}.{key}" if name else str(key))]
    return [(name, value if isinstance(value, str) else json.dumps(value))]
