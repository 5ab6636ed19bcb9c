"""The fitted forms: both parameters of each setting, what they imply, and how far off the form is."""

import numpy as np
import pandas as pd

from reports.analysis.analysis import Analysis
from reports.draw.labels import setting_label
from reports.draw.table import Row, Table, interval_columns, missing, with_interval
from reports.sections.section import Section

_FITS = (
    "Forms of Gao et al. (2022), fitted by least squares to the rows of each setting's first replicate. Brackets "
    "are 95% intervals over resampled prompts; they do not cover misfit of the form. d* and gold there are "
    "missing unless the form turns among the rows. Replicate left out: rmse on each replicate of the form fitted "
    "to the others. Gamma (Kim et al. 2025): the area between gold and proxy over the area under gold, up to the "
    "largest d that every best-of-n curve reaches."
)


def fits(analysis: Analysis) -> Table:
    """Both parameters of each setting's form, what they imply, and how far off the form is."""
    head = ("setting", "form", "a", "b", "d*", "gold at d*", "rmse", "rmse, replicate left out", "gamma")
    records, body = [], list[Row]()
    for f in analysis.fits.values():
        numbers = {"a": f.fit.a, "b": f.fit.b, "peak_d": f.fit.peak_d, "peak_gold": f.fit.peak_gold}
        others = {"left_out": f.left_out, **({"gamma": f.gamma} if f.gamma else {})}
        records.append(
            {
                "cell": f.cell.name,
                "form": f.fit.form.name,
                "rmse": f.fit.rmse,
                "rows": f.fit.rows,
                "reason": f.fit.reason,
            }
            | {k: v for name, e in {**numbers, **others}.items() for k, v in interval_columns(name, e).items()}
        )
        rmse = f"{f.fit.rmse:.2f}" if np.isfinite(f.fit.rmse) else missing(f.fit.reason)
        form = ("d(a − b d)" if f.cell.best_of_n else "d(a − b log d)").replace(" ", "\u00a0")  # noqa: RUF001
        last = with_interval(f.gamma) if f.gamma else missing("gamma is of best-of-n curves")
        body.append(
            (
                setting_label(f.cell, analysis.run),
                form,
                *(with_interval(e) for e in numbers.values()),
                rmse,
                with_interval(f.left_out),
                last,
            )
        )
    return Table("fits", "Fitted forms", _FITS, pd.DataFrame(records), head, tuple(body), text=2)


SECTION = Section("fits", "Fitted forms", (fits,))
