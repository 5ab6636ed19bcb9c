"""Gold of best-of-n at larger n: predicted from a fit on small n, and measured. `best_of_n` shows the table."""

import pandas as pd

from reports.analysis.analysis import Analysis
from reports.analysis.fits import BELOW_N
from reports.draw.labels import setting_label
from reports.draw.table import Row, Table, Value, interval_columns, with_interval

_PREDICTIONS = "The same form, fitted on small n only. Brackets are 95% intervals over resampled prompts, paired."


def predictions(analysis: Analysis) -> Table:
    """Predicted and measured gold at each larger n."""
    records, body = [], list[Row]()
    for f in analysis.fits.values():
        for a in f.ahead:
            records.append(
                {"row_id": a.row_id, "d": a.d, "predicted": a.predicted, "measured": a.measured}
                | interval_columns("error", a.error)
            )
            n = a.row_id.rpartition("@n")[2]
            numbers = (f"{a.d:.2f}", f"{a.predicted:+.2f}", f"{a.measured:+.2f}")
            body.append((setting_label(f.cell, analysis.run), Value(n, a.row_id), *numbers, with_interval(a.error)))
    head = ("setting", "n", "d", "predicted gold", "measured", "measured − predicted")  # noqa: RUF001
    title = f"Best-of-n: fitted on n ≤ {BELOW_N}, predicted beyond"
    return Table("predictions", title, _PREDICTIONS, pd.DataFrame(records), head, tuple(body))
