"""Tables of what was learned below the policies: the labels as realised, and how good each proxy is.

`make` calls both. Gates are in `audits`.
"""

import pandas as pd

from reports.draw.table import Table, Value, missing
from reports.read.load import RunData
from reports.sections import words

_PROXY = {
    "params": ("parameters", "{:,.0f}"),
    "held_out_accuracy": ("accuracy", "{:.3f}"),
    "gold_accuracy": ("gold's own", "{:.3f}"),
    "held_out_ce": ("cross-entropy", "{:.3f}"),
    "gold_ce": ("gold's own", "{:.3f}"),
    "calibration_error": ("calibration error", "{:.3f}"),
    "calibration_scale": ("scale c", "{:.2f}"),
    "sd_logits": ("sd (logits)", "{:.2f}"),
    "gold_corr_pi_ref": ("correlation with gold", "{:.2f}"),
}
_LABELS = {
    "pairs": ("pairs", "{:,.0f}"),
    "label_noise": ("against gold's order", "{:.1%}"),
    "flipped": ("flipped on purpose", "{:.1%}"),
    "same_text": ("equal texts", "{:.1%}"),
    "mean_abs_margin_logits": ("mean margin (logits)", "{:.2f}"),
}


def proxies(run: RunData) -> Table:
    """Held-out accuracy, calibration and agreement with gold of each proxy."""
    return _of_stages(run, "proxies", "Proxies", words.PROXIES, "proxy/", _PROXY)


def labels(run: RunData) -> Table:
    """Each draw of pairs: how noisy the labels came out."""
    return _of_stages(run, "labels", "Labels as realised", words.LABELS, "pairs/", _LABELS)


def _of_stages(
    run: RunData, name: str, title: str, note: str, prefix: str, columns: dict[str, tuple[str, str]]
) -> Table:
    stages = [stage for stage in run.stages if stage.startswith(prefix)]
    found = [{metric: run.metric(stage, metric) for metric in columns} for stage in stages]
    data = pd.DataFrame([{"stage": stage} | numbers for stage, numbers in zip(stages, found, strict=True)])
    body = tuple(
        (_called(stage, prefix), *(_shown(numbers[metric], form) for metric, (_, form) in columns.items()))
        for stage, numbers in zip(stages, found, strict=True)
    )
    return Table(name, title, note, data, ("", *(head for head, _ in columns.values())), body)


def _called(stage: str, prefix: str) -> str:
    """`policy-sized, replicate 0` of `proxy/policy_sized/r0`."""
    *kind, replicate = stage.removeprefix(prefix).split("/")
    return ", ".join([*(part.replace("_", "-") for part in kind), f"replicate {replicate.removeprefix('r')}"])


def _shown(value: float | None, form: str) -> str | Value:
    return missing("the stage did not measure it") if value is None else form.format(value).replace("-", "−")  # noqa: RUF001
