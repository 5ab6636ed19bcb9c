"""A training that fails, and policies that are dropped: what stays, what is measured, what the next run makes."""

import pytest
from toy_recipes import InProcess

from bench.config.suite import SuiteConfig
from bench.engine.attempt import Setup
from bench.engine.display import PlainDisplay
from bench.engine.scheduler import needed_stages, schedule
from bench.engine.stage import Stage
from bench.engine.store import Store
from bench.pipeline.plan import Cell, Plan
from bench.runs.folder import RunFolder, load_run
from bench.runs.keep import drop_policies, kept_steps


def plan_of(act, save="all"):
    training = Stage("train", "train/one", "toy_train", {"act": act})
    measure = Stage("measure", "measure/one", "toy_measure", {}, {"train": training}, partial_input="train")
    identity = {"cell": "one", "method": "dpo", "beta": 0.1, "replicate": 0}
    suite = SuiteConfig(name="toy", budgets=(0.4,), evaluation={"save": save})
    return Plan(suite, {}, {"one": Cell("one", "dpo", measure, identity, training)})


def run(plan, store):
    store.open()
    stages = [cell.stage for cell in plan.cells.values()]
    return schedule(stages, store, InProcess(Setup(store, 1, "cpu")), PlainDisplay(), lambda stage: None)


def test_a_failed_training_keeps_its_good_rows_and_the_next_run_continues_it(tmp_path):
    plan, store = plan_of("crash"), Store(tmp_path / "store")
    cell = plan.cells["one"]
    failed = run(plan, store)
    assert {f.name: f.needs for f in failed.failures.values()} == {"train/one": None, "measure/one": "train/one"}
    assert (store.is_present(cell.training), store.is_done(cell.training)) == (True, False)
    folder = RunFolder(plan, store, tmp_path / "out", "bench run toy")
    assert folder.assemble(failed.failures, over=True) == "failed"
    rows = load_run(folder.out).rows
    assert rows["row_id"].tolist() == ["one@5", "one@failed"]
    assert rows["gold"].isna().tolist() == [False, True]
    assert rows["reason"].iloc[1] == "RuntimeError: the toy training crashed"

    again = run(plan, store)
    assert (again.made, again.failures) == (2, {})
    assert store.manifest(cell.training)["metrics"] == {"attempts": 2}  # from where the first attempt had come to
    assert folder.assemble({}, over=True) == "done"
    assert load_run(folder.out).rows["row_id"].tolist() == ["one@5"]


@pytest.mark.parametrize(
    ("save", "kept"),
    [("all", {0, 2, 4, 6, 9}), ("none", set()), ("budgets", {2, 6, 9})],
)
def test_the_nearest_policy_of_every_passed_budget_stays_and_the_last(save, kept):
    kls = {0: 0.0, 2: 0.9, 4: 1.7, 6: 4.2, 9: 7.0}  # d = 0, .95, 1.30, 2.05, 2.65; budgets at d = 1, 2 and 4
    assert kept_steps(kls, (1.0, 4.0, 16.0), save) == kept


def test_a_budget_nearest_to_pi_ref_keeps_the_nearest_trained_policy():
    kls = {0: 0.0, 5: 4.0, 9: 16.0}  # d = 0, 2, 4; a look that passed several grid points; budgets at d = .7 and 4
    assert kept_steps(kls, (0.5, 16.0), "budgets") == {5, 9}
    assert kept_steps({0: 0.0}, (0.5,), "budgets") == {0}


def test_dropped_policies_leave_a_finished_run_and_are_trained_again_only_for_a_new_measurement(tmp_path):
    plan, store = plan_of("end", save="none"), Store(tmp_path / "store")
    cell = plan.cells["one"]
    run(plan, store)
    drop_policies(plan, cell, store)
    assert (store.is_done(cell.training), store.is_whole(cell.training)) == (True, False)
    assert not list(store.path(cell.training).glob("policies/*"))
    assert needed_stages([cell.stage], store) == []
    anew = Stage("measure", "measure/one", "toy_measure", {"more": 1}, {"train": cell.training}, partial_input="train")
    assert [stage.name for stage in needed_stages([anew], store)] == ["train/one", "measure/one"]
    outcome = schedule([anew], store, InProcess(Setup(store, 1, "cpu")), PlainDisplay(), lambda stage: None)
    assert (outcome.made, outcome.failures) == (2, {})
    assert store.is_whole(cell.training)
