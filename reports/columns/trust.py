"""Tables of gates, proxies, settings and provenance, by the name of the file in tables/."""

from collections.abc import Mapping

from bench.core.schema import FLOAT, GOLD_SD, NATS, SHARE, TEXT, Column, Columns
from reports.columns.shared import BUDGET, ESTIMATE, METHOD, UNDEFINED, ends

NO_ROWS = "no rows that differ, or none in both runs"

TABLES: Mapping[str, Columns] = {
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
        "equal_pairs": Column(FLOAT, "pairs with equal sides, which no training reads", "pairs"),
        "equal_held_out": Column(FLOAT, "the same of held-out pairs", "pairs"),
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
        "method": METHOD,
        "status": Column(TEXT, "`failed` or `diverged`"),
        "reason": Column(TEXT, "why"),
    },
    "differences": {
        "run": Column(TEXT, "run on a page of several"),
        "minus": Column(TEXT, "run that is subtracted"),
        "cell": Column(TEXT, "first replicate of the setting"),
        "budget_nats": BUDGET,
        "difference": Column(FLOAT, "gold of `run` minus gold of `minus`", GOLD_SD, UNDEFINED),
        **ends(GOLD_SD, "`difference`"),
        **ESTIMATE,
    },
    "contents": {
        "run": Column(TEXT, "run on a page of several"),
        "first": Column(TEXT, "run that it is compared with"),
        "stage": Column(TEXT, "stage that both have under one key, with other bytes"),
        "files": Column(TEXT, "files of it that differ"),
        "rows": Column(FLOAT, "rows of the stage's cell in `first`", "rows", NO_ROWS),
        "other_rows": Column(FLOAT, "rows of it in `run`", "rows", NO_ROWS),
        "shared_rows": Column(FLOAT, "rows of one name in both", "rows", NO_ROWS),
        "gold_max_gold_sd": Column(FLOAT, "largest |difference| in gold of those", GOLD_SD, NO_ROWS),
        "gold_median_gold_sd": Column(FLOAT, "median of it", GOLD_SD, NO_ROWS),
        "kl_max_nats": Column(FLOAT, "largest |difference| in KL of those", NATS, NO_ROWS),
        "kl_median_nats": Column(FLOAT, "median of it", NATS, NO_ROWS),
        "machines": Column(TEXT, "what the makers of the stage and its inputs recorded otherwise"),
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
