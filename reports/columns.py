"""The report's CSV tables, column by column: unit, meaning, and when a value is null. `schema` renders them."""

from collections.abc import Mapping

from bench.core.schema import BOOL, FLOAT, GOLD_SD, INT, NATS, SHARE, TEXT, Column, Columns

_SQRT = "√nats"
_UNDEFINED = "undefined; `reason` says why"
_NO_INTERVAL = "no value, or no interval"


def _ends(unit: str, name: str, null: str = _NO_INTERVAL) -> dict[str, Column]:
    return {end: Column(FLOAT, f"{end}er limit of {name}, 95%", unit, null) for end in ("low", "high")}


def _with_ends(name: str, unit: str, meaning: str, null: str = _UNDEFINED) -> dict[str, Column]:
    ends = {f"{name}_{end}": column for end, column in _ends(unit, f"`{name}`").items()}
    return {name: Column(FLOAT, meaning, unit, null), **ends}


def _explained(name: str, unit: str, meaning: str) -> dict[str, Column]:
    null = f"undefined; `{name}_reason` says why"
    reason = {f"{name}_reason": Column(TEXT, f"why `{name}` or its interval is undefined", null="defined")}
    return {**_with_ends(name, unit, meaning, null), **reason}


_N = Column(INT, "prompts or replicates that the interval is over")
_INTERVAL = Column(TEXT, "how the interval was made, and what it covers", null="no value")
_REASON = Column(TEXT, "why a value or a verdict is missing", null="none is missing")
_ESTIMATE: Columns = {"n": _N, "method_of_interval": _INTERVAL, "reason": _REASON}
_METHOD = Column(TEXT, "name that the suite gives the method")
_PROXY = Column(TEXT, "name that the suite gives the proxy")
_BETA = Column(FLOAT, "KL coefficient", null="methods without one")
_BUDGET = Column(FLOAT, "KL at which gold is read", NATS)
_VERDICT = Column(TEXT, "`observed`, `not observed` or `undecided`", null="not tested")
_PAIR: Columns = {
    "one": Column(TEXT, "first replicate of the setting"),
    "other": Column(TEXT, "first replicate of the setting that is subtracted"),
}
_DIFFERENCE: Columns = {
    "budget_nats": _BUDGET,
    "difference": Column(FLOAT, "gold of `one` minus gold of `other`", GOLD_SD, _UNDEFINED),
    **_ends(GOLD_SD, "`difference`"),
}

TABLES: Mapping[str, Columns] = {
    "claims": {
        "name": Column(TEXT, "name of the claim"),
        "kind": Column(TEXT, "kind of the claim"),
        "verdict": _VERDICT,
        "number": Column(TEXT, "the inequalities that decide, with intervals and bounds, in their own units"),
        "p": Column(FLOAT, "p value of the claim", SHARE, "not tested"),
        "p_holm": Column(FLOAT, "`p` corrected for the number of claims (Holm)", SHARE, "not tested"),
        "replicates": Column(INT, "replicates that the claim rests on", "replicates"),
        "kl": Column(FLOAT, "KL that the claim declares", NATS),
        "reason": Column(TEXT, "why, in words"),
    },
    "claim_parts": {
        "claim": Column(TEXT, "name of the claim"),
        "inequality": Column(TEXT, "what is held against the bound"),
        "cell": Column(TEXT, "replicate by itself", null="the mean over replicates"),
        "point": Column(FLOAT, "estimate, in the unit of the inequality", "gold sd, share, or √nats", "undefined"),
        **_ends("as `point`", "`point`"),
        "n": _N,
        "method_of_interval": _INTERVAL,
        "above": Column(BOOL, "true where the value must be above the bound"),
        "bound": Column(FLOAT, "the bound", "as `point`"),
        "p": Column(FLOAT, "one-sided p value of the inequality", SHARE, "undefined"),
        "p_reversed": Column(FLOAT, "p value of the opposite inequality", SHARE, "undefined"),
    },
    "peaks": {
        "cell": Column(TEXT, "training run or best-of-n pass"),
        "peak_row_id": Column(TEXT, "row of highest gold on select prompts", null="no select prompts"),
        **_with_ends("peak_kl", NATS, "its KL, and the KLs of rows not rejected as the highest", "no peak"),
        "peak_d": Column(FLOAT, "square root of its KL", _SQRT, "no peak"),
        "peak_gold": Column(FLOAT, "its gold on report prompts", GOLD_SD, "no peak"),
        "peak_gold_se": Column(FLOAT, "standard error of `peak_gold`", GOLD_SD, "no peak"),
        "peak_proxy": Column(FLOAT, "its proxy on report prompts", GOLD_SD, "no peak"),
        "end_kl": Column(FLOAT, "KL of the last row", NATS),
        "end_gold": Column(FLOAT, "gold of the last row", GOLD_SD),
        "end_gold_se": Column(FLOAT, "standard error of `end_gold`", GOLD_SD),
        **_with_ends("drop", GOLD_SD, "`peak_gold` minus `end_gold`", "no peak"),
        "hump": Column(TEXT, "verdict of the hump test of its setting", null="no test"),
        "reason": _REASON,
    },
    "budgets": {
        "method": _METHOD,
        "proxy": _PROXY,
        "beta": _BETA,
        "cell": Column(TEXT, "replicate by itself", null="the mean over replicates"),
        "budget_nats": _BUDGET,
        "gold": Column(FLOAT, "gold at the budget", GOLD_SD, _UNDEFINED),
        **_ends(GOLD_SD, "`gold`"),
        **_ESTIMATE,
    },
    "matched": {**_PAIR, **_DIFFERENCE, **_ESTIMATE},
    "gains": {
        **_PAIR,
        "sampler": Column(TEXT, "origin of the pairs of `one`"),
        **_DIFFERENCE,
        "n": _N,
        "reason": _REASON,
    },
    "equivalence": {
        **_PAIR,
        "parted_kl": Column(
            FLOAT, "KL at which the two paths part; infinite where they do not", NATS, "no margins logged"
        ),
        **_DIFFERENCE,
        "n": _N,
        "method_of_interval": _INTERVAL,
        "verdict": _VERDICT,
        "why": Column(TEXT, "why, in words", null="observed"),
    },
    "best_betas": {
        "method": Column(TEXT, "name that the suite gives the method", null="the line of the slope"),
        "loss": Column(TEXT, "f of the loss f(beta * rho)", null="the line of the slope"),
        "curvature": Column(FLOAT, "|f''(0) / f'(0)|", null="unknown loss; the line of the slope"),
        "beta": Column(FLOAT, "beta of highest gold at the end of training", null=_UNDEFINED),
        **_ends("", "`beta`"),
        "reason": _REASON,
        **_with_ends("slope", "", "slope of log beta over log curvature; predicted -1", "the lines of losses"),
    },
    "fits": {
        "cell": Column(TEXT, "training run or best-of-n pass"),
        "form": Column(TEXT, "`rl`: d (a - b log d); `best_of_n`: d (a - b d)"),
        "rmse": Column(FLOAT, "root mean squared residual", GOLD_SD, _UNDEFINED),
        "rows": Column(INT, "rows fitted", "rows"),
        "reason": _REASON,
        **_explained("a", "gold sd per √nats", "coefficient a"),
        **_explained("b", "gold sd per √nats (rl), per nat (best_of_n)", "coefficient b"),
        **_explained("peak_d", _SQRT, "where the form peaks"),
        **_explained("peak_gold", GOLD_SD, "the form at its peak"),
        **_explained("left_out", GOLD_SD, "error of a fit of the other replicates"),
        **_explained("gamma", "", "exponent of n, of best-of-n curves"),
    },
    "predictions": {
        "row_id": Column(TEXT, "best-of-n row beyond the fitted n"),
        "d": Column(FLOAT, "square root of its analytic KL", _SQRT),
        "predicted": Column(FLOAT, "gold by the form fitted to smaller n", GOLD_SD, _UNDEFINED),
        "measured": Column(FLOAT, "its gold", GOLD_SD),
        **_explained("error", GOLD_SD, "predicted minus measured"),
    },
    "judge_peaks": {
        "method": _METHOD,
        "proxy": _PROXY,
        "beta": _BETA,
        "judge": Column(TEXT, "`gold`, `writers` or `users`"),
        "cell": Column(TEXT, "replicate by itself", null="the mean over replicates"),
        "n": Column(INT, "prompts or replicates that the interval is over", null="one replicate"),
        "method_of_interval": Column(TEXT, "how the interval was made", null="one replicate"),
        "edge": Column(INT, "replicates whose peak is their last row", "replicates", "one replicate"),
        **_with_ends("d", _SQRT, "where the judge is highest"),
        **_with_ends("value", "judge's sd", "the judge at its peak"),
        **_with_ends("end", "judge's sd", "the judge at the last row"),
        **_with_ends("drop", "judge's sd", "`value` minus `end`"),
        "peak_row_id": Column(TEXT, "row of the peak", null="the mean over replicates"),
        "peak_kl": Column(FLOAT, "its KL", NATS, "the mean over replicates"),
        "end_kl": Column(FLOAT, "KL of the last row", NATS, "the mean over replicates"),
    },
    "disagreement": {
        "method": _METHOD,
        "one": Column(TEXT, "judge"),
        "other": Column(TEXT, "judge that it is compared with"),
        "kl_bucket": Column(TEXT, "range of KL in nats"),
        "pairs": Column(INT, "pairs of samples of one prompt and policy", "pairs"),
        "prompts": Column(INT, "prompts that have such pairs", "prompts"),
        **_with_ends("disagree", SHARE, "pairs that the two order differently", "no pair"),
        **_with_ends(
            "correlation", "", "correlation of their scores within prompts and policies", "no pair; one is constant"
        ),
    },
    "ledger": {
        "setting": Column(TEXT, "label of method, beta and proxy"),
        "statistic": Column(TEXT, "quantity behind a sentence of the page"),
        "point": Column(FLOAT, "its value", "gold sd; `KL` in nats", _UNDEFINED),
        **_ends("as `point`", "`point`"),
        "n": _N,
        "method_of_interval": _INTERVAL,
        "from_row": Column(TEXT, "row that the difference starts at", null="over replicates; no row"),
        "to_row": Column(TEXT, "row that it ends at", null="over replicates; no row"),
        "declared_kl": Column(FLOAT, "KL declared for the fall", NATS, "none declared"),
        "verdict": _VERDICT,
        "reason": _REASON,
    },
    "gates": {
        "name": Column(TEXT, "what is gated, with its unit"),
        "value": Column(
            FLOAT, "measured number", "as `name` says; shares, not percent", "not measured; `reason` says why"
        ),
        "sense": Column(TEXT, "`>=` or `<`: what the value must be", null="no gate"),
        "threshold": Column(FLOAT, "limit", "as `value`", "no gate"),
        "verdict": Column(TEXT, "`pass` or `fail`", null="no gate, or not measured"),
        "reason": Column(TEXT, "note", null="none"),
    },
    "proxies": {
        "stage": Column(TEXT, "stage that fitted the proxy"),
        "params": Column(FLOAT, "size of the model", "parameters", "a program"),
        "held_out_accuracy": Column(FLOAT, "held-out labels that it orders rightly, ties one half", SHARE),
        "gold_accuracy": Column(FLOAT, "the same of gold", SHARE),
        "held_out_ce": Column(FLOAT, "cross-entropy on held-out labels, calibrated", NATS),
        "gold_ce": Column(FLOAT, "the same of gold", NATS),
        "calibration_error": Column(FLOAT, "mean distance of confidence and accuracy", SHARE),
        "calibration_scale": Column(FLOAT, "logits a raw unit", "logits per raw score"),
        "sd_logits": Column(FLOAT, "within-prompt standard deviation on pi_ref samples", "logits"),
        "gold_corr_pi_ref": Column(FLOAT, "within-prompt correlation with gold on pi_ref samples", null="constant"),
    },
    "labels": {
        "stage": Column(TEXT, "stage that labelled the pairs"),
        "pairs": Column(FLOAT, "training pairs", "pairs"),
        "label_noise": Column(FLOAT, "labels against gold's order", SHARE),
        "flipped": Column(FLOAT, "labels flipped on purpose", SHARE),
        "same_text": Column(FLOAT, "pairs of equal texts", SHARE),
        "mean_abs_margin_logits": Column(FLOAT, "mean |gold of one side minus the other|", "logits"),
    },
    "config": {
        "key": Column(TEXT, "setting"),
        "class default": Column(TEXT, "its default", null="no default"),
        "suite <name>": Column(TEXT, "the suite's value"),
        "this run": Column(TEXT, "the run's value"),
    },
    "failed": {
        "row_id": Column(TEXT, "row that failed or diverged"),
        "cell": Column(TEXT, "its cell"),
        "method": _METHOD,
        "status": Column(TEXT, "`failed` or `diverged`"),
        "reason": Column(TEXT, "why"),
    },
    "differences": {
        "run": Column(TEXT, "run on a page of several"),
        "minus": Column(TEXT, "run that is subtracted"),
        "cell": Column(TEXT, "first replicate of the setting"),
        "budget_nats": _BUDGET,
        "difference": Column(FLOAT, "gold of `run` minus gold of `minus`", GOLD_SD, _UNDEFINED),
        **_ends(GOLD_SD, "`difference`"),
        **_ESTIMATE,
    },
    "runs": {
        "": Column(TEXT, "fact about the runs on a page of several"),
        "<run>": Column(TEXT, "the fact of this run", null="absent"),
    },
    "stages": {
        "stage": Column(TEXT, "name of the stage"),
        "kind": Column(TEXT, "its kind"),
        "key": Column(TEXT, "its folder in the store"),
        "wall_s": Column(FLOAT, "time that it took", "seconds"),
    },
}
"""By the name of the file in tables/."""
