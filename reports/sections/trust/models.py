"""The labels as realised, and how good each proxy is. `gates` shows both tables."""

import pandas as pd

from reports.analysis.analysis import Analysis
from reports.draw.table import Table, Value, missing
from reports.read.run import RunData

_PROXIES = (
    "On held-out pairs, beside gold's score on the same noisy labels. c multiplies raw scores to minimise "
    "cross-entropy; a proxy of permuted labels is scaled to gold's spread instead."
)
_AS_REALISED = (
    "Against gold's order: the share of labels that prefer the response with the lower gold score. Bradley-Terry "
    "labels are noisy by construction."
)
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


def proxies(analysis: Analysis) -> Table:
    """Held-out accuracy, calibration and agreement with gold of each proxy."""
    return _of_stages(analysis.run, "proxies", "Proxies", _PROXIES, "proxy/", _PROXY)


def labels(analysis: Analysis) -> Table:
    """Each draw of pairs: how noisy the labels came out."""
    return _of_stages(analysis.run, "labels", "Labels as realised", _AS_REALISED, "pairs/", _LABELS)


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
