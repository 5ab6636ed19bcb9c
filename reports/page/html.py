"""Renders one offline page: every text escaped, Plotly inlined, no request to any network.

`make` and `comparison` call `render`. Styles are in templates/*.css, behaviour in templates/*.js.
"""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from bench.stats.estimate import plus_minus
from reports.draw.figure import Key
from reports.draw.interactive import plotly_source
from reports.draw.style import method_color, method_label
from reports.page.page import Page

_TEMPLATES = Path(__file__).parents[1] / "templates"
_STYLES, _SCRIPTS = ("page.css", "drawer.css"), ("page.js", "drawer.js", "plots.js")
VERDICTS = ("observed", "not observed", "undecided", "pass", "fail")


def render(template: str, page: Page, figures: Path, **values: Any) -> str:
    """The page as text. The PNGs of its figures lie in the folder `figures`; `values` are for its template alone."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"prose": prose, "number": _number, "swatch": swatch, "script_json": script_json}
    return environment.get_template(template).render(
        page=page,
        images={figure.name: _image(figures / f"{figure.name}.png") for figure in page.figures},
        css=_joined(_STYLES),
        script=_joined(_SCRIPTS),
        plotly=Markup(plotly_source()) if page.figures else "",
        verdicts=VERDICTS,
        method_key=lambda kind: Key(method_label(kind), method_color(kind)),
        method_label=method_label,
        **values,
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
    shapes: Mapping[str, Markup] = {
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


def _joined(names: tuple[str, ...]) -> Markup:
    return Markup("\n".join((_TEMPLATES / name).read_text(encoding="utf-8") for name in names))


def _image(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
