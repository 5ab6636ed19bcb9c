"""Columns that several CSV tables of a report share."""

from bench.core.schema import FLOAT, GOLD_SD, INT, NATS, TEXT, Column, Columns

SQRT = "√nats"
UNDEFINED = "undefined; `reason` says why"
NO_INTERVAL = "no value, or no interval"


def ends(unit: str, name: str, null: str = NO_INTERVAL) -> dict[str, Column]:
    return {end: Column(FLOAT, f"{end}er limit of {name}, 95%", unit, null) for end in ("low", "high")}


def with_ends(name: str, unit: str, meaning: str, null: str = UNDEFINED) -> dict[str, Column]:
    limits = {f"{name}_{end}": column for end, column in ends(unit, f"`{name}`").items()}
    return {name: Column(FLOAT, meaning, unit, null), **limits}


def explained(name: str, unit: str, meaning: str) -> dict[str, Column]:
    null = f"undefined; `{name}_reason` says why"
    reason = {f"{name}_reason": Column(TEXT, f"why `{name}` or its interval is undefined", null="defined")}
    return {**with_ends(name, unit, meaning, null), **reason}


N = Column(INT, "prompts or replicates that the interval is over")
INTERVAL = Column(TEXT, "how the interval was made, and what it covers", null="no value")
REASON = Column(TEXT, "why a value or a verdict is missing", null="none is missing")
ESTIMATE: Columns = {"n": N, "method_of_interval": INTERVAL, "reason": REASON}
METHOD = Column(TEXT, "name that the suite gives the method")
PROXY = Column(TEXT, "name that the suite gives the proxy")
BETA = Column(FLOAT, "KL coefficient", null="methods without one")
BUDGET = Column(FLOAT, "KL at which gold is read", NATS)
VERDICT = Column(TEXT, "`observed`, `not observed` or `undecided`", null="not tested")
PAIR: Columns = {
    "one": Column(TEXT, "first replicate of the setting"),
    "other": Column(TEXT, "first replicate of the setting that is subtracted"),
}
DIFFERENCE: Columns = {
    "budget_nats": BUDGET,
    "difference": Column(FLOAT, "gold of `one` minus gold of `other`", GOLD_SD, UNDEFINED),
    **ends(GOLD_SD, "`difference`"),
}
