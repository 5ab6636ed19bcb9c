"""The scheduler knows an executor by its three methods: here one that makes every stage at once, in this process."""

import ast
from pathlib import Path

import pytest
from toy_plan import plan_with_cells, toy

import bench.engine
from bench.engine.attempt import Setup, attempt
from bench.engine.display import PlainDisplay
from bench.engine.executor import Ended, Executor
from bench.engine.scheduler import schedule
from bench.engine.store import Store
from bench.pipeline.plan import plan_stages


class InProcess(Executor):
    slots = 1

    def __init__(self, store):
        self.setup, self.ended, self.stopped = Setup(store, 1, "cpu"), [], False

    def submit(self, stage):
        self.ended.append(Ended(stage, attempt(stage, self.setup)))

    def poll(self, timeout_s):
        ended, self.ended = self.ended, []
        return ended

    def stop(self):
        self.stopped = True


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    store.open()
    return store


def _schedule(stages, store, stop=lambda: False):
    done, executor = [], InProcess(store)
    outcome = schedule(stages, store, executor, PlainDisplay(), lambda stage: done.append(stage.name), stop)
    assert executor.stopped
    return outcome, done


def test_an_executor_of_ten_lines_makes_a_whole_toy_suite(store):
    stages = plan_stages(plan_with_cells(good=None, diverged="diverge", crashed="crash"))
    outcome, done = _schedule(stages, store)
    assert done == ["shared", "cell/good", "cell/diverged"]  # a cell that diverged has its rows
    assert [(f.name, f.status, f.reason) for f in outcome.failures.values()] == [
        ("cell/crashed", "failed", "RuntimeError: the toy cell crashed")
    ]
    assert all(store.is_done(stage) for stage in stages[:3])
    assert _schedule(stages[:3], store)[0].made == 0


def test_a_failed_stage_fails_what_needs_it(store):
    outcome, done = _schedule([toy("above", toy("broken", act="raise")), toy("fine")], store)
    assert done == ["fine"]
    assert {f.name: f.needs for f in outcome.failures.values()} == {"broken": None, "above": "broken"}


def test_on_stop_nothing_new_is_submitted_and_the_rest_is_made_later(store):
    stages, polls = [toy("a"), toy("b"), toy("c")], []

    def stop():
        polls.append(1)
        return len(polls) > 3  # before the first stage, after it, before the second

    outcome, done = _schedule(stages, store, stop)
    assert (done, outcome.failures) == (["a"], {})
    assert _schedule(stages, store)[0].failures == {}
    assert all(store.is_done(stage) for stage in stages)


def test_the_engine_knows_no_pipeline():
    for path in Path(bench.engine.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.startswith("bench.pipeline")], path
