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
    "labels are noisy by construction. Pairs whose two sides are the same tokens are dropped; of fresh pairs, a run's "
    "line counts them."
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
    "equal_pairs": ("equal sides, dropped", "{:,.0f}"),
    "equal_held_out": ("of those held out", "{:,.0f}"),
    "mean_abs_margin_logits": ("mean margin (logits)", "{:.2f}"),
}


def proxies(analysis: Analysis) -> Table:
    """Held-out accuracy, calibration and agreement with gold of each proxy."""
    stages = [stage for stage in analysis.run.stages if stage.startswith("proxy/")]
    return _of_stages(analysis.run, "proxies", "Proxies", _PROXIES, stages, _PROXY)


def labels(analysis: Analysis) -> Table:
    """Each draw of pairs: how noisy the labels came out, and the equal sides; each training that drew equal ones."""
    run = analysis.run
    stages = [stage for stage in run.stages if stage.startswith("pairs/")]
    fresh = [stage for stage in run.stages if stage.startswith("train/") and run.metric(stage, "equal_pairs")]
    return _of_stages(run, "labels", "Labels as realised", _AS_REALISED, stages + fresh, _LABELS)


def _of_stages(
    run: RunData, name: str, title: str, note: str, stages: list[str], columns: dict[str, tuple[str, str]]
) -> Table:
    found = [{metric: run.metric(stage, metric) for metric in columns} for stage in stages]
    data = pd.DataFrame([{"stage": stage} | numbers for stage, numbers in zip(stages, found, strict=True)])
    body = tuple(
        (_called(stage), *(_shown(numbers[metric], form) for metric, (_, form) in columns.items()))
        for stage, numbers in zip(stages, found, strict=True)
    )
    return Table(name, title, note, data, ("", *(head for head, _ in columns.values())), body)


def _called(stage: str) -> str:
    """`policy-sized, replicate 0` of `proxy/policy_sized/r0`; a training by its cell."""
    if stage.startswith("train/"):
        return stage.removeprefix("train/")
    _, *kind, replicate = stage.split("/")
    return ", ".join([*(part.replace("_", "-") for part in kind), f"replicate {replicate.removeprefix('r')}"])


def _shown(value: float | None, form: str) -> str | Value:
    return missing("the stage did not measure it") if value is None else form.format(value).replace("-", "−")  # noqa: RUF001
