"""What changes which keys: names none, a method's module its own runs, pages nothing."""

from pathlib import Path

import pytest
import toy_artifacts

from bench.checks.estimators import world as tab
from bench.config.compose import compose
from bench.config.suite import SuiteConfig
from bench.core.types import Counts
from bench.engine import provenance
from bench.engine.stage import Context
from bench.methods.preference import PreferenceConfig
from bench.pipeline import train
from bench.pipeline.plan import build_plan
from bench.rewards.labeller import Labeller

OVEROPT = compose(["overopt"])[0]


def keys(suite=OVEROPT):
    return {name: stage.key for name, stage in build_plan(suite, 1).stages.items()}


def test_renaming_methods_changes_no_key():
    values = OVEROPT.model_dump()
    new = {name: f"my-{i}" for i, name in enumerate(values["method"])}
    values["method"] = {new[name]: config for name, config in values["method"].items()}
    values["methods"] = [new[name] for name in values["methods"]]
    values["claims"] = [{**claim, "method": new[claim["method"]]} for claim in values["claims"]]
    renamed = keys(SuiteConfig.model_validate(values))
    assert list(renamed.values()) == list(keys().values())
    assert not set(renamed) & {name for name in keys() if name.startswith(("train/", "measure/", "bon/", "null/"))}


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """A function that gives the names of the stages whose keys an edit of a module changes."""

    def clear():
        provenance.code_hash.cache_clear()
        provenance.closure.cache_clear()
        provenance._read.cache_clear()

    def changed(module):
        source, before = provenance._source, keys()
        copy = tmp_path / Path(str(source(module))).name
        copy.write_text(source(module).read_text() + "\n\ndef an_edit():\n    return 1\n")
        with monkeypatch.context() as patch:
            patch.setattr(provenance, "_source", lambda name: copy if name == module else source(name))
            clear()
            after = keys()
        clear()
        return {name for name in before if before[name] != after[name]}

    return changed


def of_methods(*methods):
    return {n for n in keys() if n.split("/")[0] in ("train", "measure") and n.split("/")[1].split("-")[0] in methods}


@pytest.mark.parametrize(
    ("module", "methods"),
    [
        ("bench.methods.ppo", ("ppo", "ppo_gold", "ppo_noise")),
        ("bench.losses.ppo", ("ppo", "ppo_gold", "ppo_noise")),
        ("bench.methods.preference", ("dpo", "ipo", "slic")),
        ("bench.losses.margin.squared", ("ipo",)),
        ("bench.methods.reinforce", ()),
    ],
)
def test_editing_a_methods_module_changes_its_own_runs(edited, module, methods):
    assert edited(module) == of_methods(*methods)


@pytest.mark.parametrize(
    "module",
    [
        "reports.page.make",
        "bench.commands.run",
        "bench.stats.curves",
        "bench.checks.estimators.kl",
        "bench.config.registry",
        "bench.runs.folder",
        "bench.engine.scheduler",
    ],
)
def test_editing_pages_commands_statistics_or_checks_changes_no_key(edited, module):
    assert edited(module) == set()


def test_no_stage_can_reach_them():
    outside = ("reports", "bench.commands", "bench.stats", "bench.checks", "bench.cli", "bench.runs")
    for stage in build_plan(OVEROPT, 1).stages.values():
        modules = [stage.run, *(target.partition(":")[0] for target in stage.parts.values())]
        reached = {name for module in modules for name in provenance.closure(module)}
        assert not [name for name in reached if name.startswith(outside)], stage.name


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    suite = toy_artifacts.SUITE.model_copy(
        update={
            "methods": ("dpo", "online", "by_gold"),
            "method": {
                **toy_artifacts.SUITE.method,
                "online": PreferenceConfig.sweep(beta=(0.1,), refresh_every=1, batch=8, steps=4),
                "by_gold": PreferenceConfig.sweep(beta=(0.1,), refresh_every=1, batch=8, steps=4, labelled_by="gold"),
            },
        }
    )
    return toy_artifacts.build(tmp_path_factory.mktemp("artifacts"), suite)


@pytest.mark.parametrize(
    ("method", "inputs"),
    [("dpo", {"pairs"}), ("online", {"units", "proxy"}), ("by_gold", {"units", "gold"})],
)
def test_a_method_reads_what_it_needs(built, tmp_path, method, inputs):
    plan, folders = built
    stage = plan.cells[f"{method}-policy_sized-b0.1-r0"].training
    assert set(stage.inputs) == {"world", "sft"} | inputs
    places = {name: folders[needed.name] for name, needed in stage.inputs.items()}
    context = Context(stage.config, places, tmp_path, "cpu", lambda event: None, stage.parts)
    track, _, labeller = train.open_run(context)
    assert isinstance(labeller, Labeller) == (method == "by_gold")
    track.begin()
    for _ in range(2):
        track.learner.advance()
    labels = {"dpo": 16, "online": 0, "by_gold": 16}  # 8 pairs a step; a proxy's labels cost nothing
    assert track.learner.counts.labels_used == labels[method]
    if labeller is not None:
        assert [name for name in vars(type(labeller)) if not name.startswith("_")] == ["charge"]


def test_a_labeller_counts_a_label_for_two_rows():
    counts, labeller = Counts(), Labeller(lambda rows: rows.lengths.double())
    labeller(tab.sequences((2,), [(1,)] * 6))
    labeller(tab.sequences((2,), [(1,)] * 4))
    labeller.charge(counts)
    labeller.charge(counts)
    assert counts.labels_used == 5
