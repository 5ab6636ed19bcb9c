"""Removes policies from the disk once a cell is measured (`evaluation.save`)."""

import math

from bench.core.records import read_parquet
from bench.engine.store import Store
from bench.pipeline.plan import Cell, Plan


def kept_steps(kls: dict[int, float], budgets: tuple[float, ...], save: str) -> set[int]:
    """The steps whose policies stay, of those measured at these KLs (nats).

    `budgets` keeps, for every budget that the run passed, the trained policy nearest to it in sqrt(KL), and the last
    one. Step 0 is pi_ref, which lies in the stage `sft`.

    >>> sorted(kept_steps({0: 0.0, 5: 0.9, 9: 4.2}, budgets=(1.0, 16.0), save="budgets"))
    [5, 9]
    """
    if save == "all" or not kls:
        return set(kls)
    if save == "none":
        return set()
    passed = [budget for budget in budgets if budget <= max(kls.values())]
    trained = [step for step in kls if step > 0] or list(kls)
    nearest = {min(trained, key=lambda step: abs(math.sqrt(max(kls[step], 0.0)) - math.sqrt(b))) for b in passed}
    return nearest | {max(kls)}


def drop_policies(plan: Plan, cell: Cell, store: Store) -> None:
    """Remove from the store the policies of a measured cell that its suite does not keep."""
    save, training = plan.suite.evaluation.save, cell.training
    if save == "all" or training is None:
        return
    sharing = [other for other in plan.cells.values() if other.training and other.training.key == training.key]
    if not all(store.is_done(other.stage) for other in sharing):
        return
    rows = read_parquet(store.path(cell.stage) / "rows.parquet")
    ok = rows[rows["status"] == "ok"]
    kls = {int(step): float(kl) for step, kl in zip(ok["step"], ok["kl"], strict=True)}
    kept = {str(step) for step in kept_steps(kls, plan.suite.budgets, save)}
    policies = [name for name in store.manifest(training)["files"] if name.startswith("policies/")]
    if gone := [name for name in policies if name.split("/")[1] not in kept]:
        store.drop(training, gone)
