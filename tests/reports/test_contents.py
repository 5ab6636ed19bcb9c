"""Runs with equal keys: same bytes are the same, other bytes are told, with the machines and the change of the rows."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import toy_machine

import reports
from bench.cli import main
from bench.core.records import read_parquet, write_parquet
from bench.errors import ConfigError
from reports.page.contents import changed_stages, differing_facts, other_files, row_changes
from reports.read.load import load

ROOT = Path(__file__).parents[2]
AVX2, AVX512 = ({"cpu_capability": name, "threads": 1, "libraries": {"numpy": "2.3"}} for name in ("AVX2", "AVX512"))
SHIFT, KL_SHIFT = 0.25, 0.5


def entry(text):
    return {"sha256": text * 64, "bytes": 1}


def edit(folder, change):
    stages = json.loads((folder / "stages.json").read_text())
    change(stages)
    (folder / "stages.json").write_text(json.dumps(stages))
    return folder


def machines(stages, sft, cells, rows):
    """Add hashes of files and the makers: `sft` for the stage of that name, `cells` for those of cells."""
    for name, manifest in stages.items():
        manifest |= {"files": {"file": entry("a")}, "machine": sft if name == "sft" else AVX2}
    for i, cell in enumerate(("dpo-b0-r0", "ppo-b0-r0")):
        files = {"rows.parquet": entry(rows if cell.startswith("dpo") else "a"), "samples.parquet": entry("a")}
        own = {"kind": "measure", "key": f"{90 + i:024x}", "inputs": {"sft": stages["sft"]["key"]}, "metrics": {}}
        stages[f"measure/{cell}"] = own | {"files": files, "machine": cells}


@pytest.fixture
def pair(make_run, tmp_path):
    """Two runs of equal keys. In the second, pi_ref and DPO's rows were made on another machine, and DPO's moved."""
    one, other = (make_run(tmp_path / name, samples=1, betas=(0.0,)) for name in ("one", "other"))
    edit(one, lambda stages: machines(stages, AVX2, AVX2, "a"))
    edit(other, lambda stages: machines(stages, AVX512, AVX2, "b"))
    edit(other, lambda stages: stages["sft"].update(files={"file": entry("b")}))
    rows = read_parquet(other / "rows.parquet")
    dpo = rows.index[rows.cell == "dpo-b0-r0"]
    rows.loc[dpo[-1], "gold"] += SHIFT
    rows.loc[dpo, "kl"] += KL_SHIFT
    write_parquet(rows, other / "rows.parquet")
    return one, other


def test_same_bytes_under_a_key_are_the_same_and_other_bytes_are_not(pair):
    one, other = map(load, pair)
    assert other_files(one, other, "measure/ppo-b0-r0") == []
    assert other_files(one, other, "measure/dpo-b0-r0") == ["rows.parquet"]
    assert other_files(one, other, "measure/absent") is None
    assert changed_stages(one, other) == {"sft": ["file"], "measure/dpo-b0-r0": ["rows.parquet"]}
    assert changed_stages(one, one) == {}


def test_stages_without_hashes_or_of_other_keys_are_not_called_the_same(pair, make_run, tmp_path):
    one, other = map(load, pair)
    stages = {**other.stages, "measure/ppo-b0-r0": {**other.stages["measure/ppo-b0-r0"], "key": "f" * 24}}
    assert other_files(one, SimpleNamespace(stages=stages), "measure/ppo-b0-r0") is None
    stages = {"gold": {"key": one.stages["gold"]["key"]}}
    assert other_files(one, SimpleNamespace(stages=stages), "gold") is None


def test_dropped_files_do_not_count(pair):
    one, other = map(load, pair)
    files = {**one.stages["gold"]["files"], "policies/1": entry("c")}
    whole = SimpleNamespace(stages={"gold": {**one.stages["gold"], "files": files}})
    assert other_files(whole, other, "gold") == ["policies/1"]
    dropped = SimpleNamespace(stages={"gold": {**other.stages["gold"], "dropped": ["policies/1"]}})
    assert other_files(whole, dropped, "gold") == []


def test_the_machines_of_inputs_count(pair):
    one, other = map(load, pair)
    expected = ["cpu_capability: AVX2 and AVX2, AVX512"]
    assert differing_facts(one, other, ["measure/dpo-b0-r0"]) == expected
    assert differing_facts(one, other, ["sft"]) == ["cpu_capability: AVX2 and AVX512"]
    assert differing_facts(one, other, ["gold"]) == []


def test_rows_are_compared_by_name(pair):
    one, other = map(load, pair)
    changes = row_changes(one, other, "measure/dpo-b0-r0")
    assert changes["shared_rows"] == changes["rows"] == changes["other_rows"] > 5
    assert changes["gold_max_gold_sd"] == pytest.approx(SHIFT)
    assert changes["gold_median_gold_sd"] == 0
    assert [changes["kl_max_nats"], changes["kl_median_nats"]] == pytest.approx([KL_SHIFT, KL_SHIFT])
    same = row_changes(one, other, "measure/ppo-b0-r0")
    assert same["gold_max_gold_sd"] == same["kl_max_nats"] == 0


def test_the_page_and_the_command_say_it(pair, tmp_path, capsys):
    assert main(["report", *map(str, pair), f"out={tmp_path / 'page'}"]) == 0
    warned = capsys.readouterr().err
    assert "other has other bytes than one under equal keys in sft and 1 more stage" in warned
    assert "their machines differ (cpu_capability: AVX2 and AVX2, AVX512)" in warned
    assert "differ by up to 0.25 sd of gold and 0.5 nats of KL" in warned
    page = (tmp_path / "page" / "report.html").read_text(encoding="utf-8")
    assert "under equal keys in sft and 1 more stage" in page
    assert page.count("the same cells in both runs, byte for byte") >= 1  # PPO
    found = pd.read_csv(tmp_path / "page" / "tables" / "differences.csv")
    assert set(found.cell) == {"dpo-b0-r0", "bon-policy_sized-r0"}  # compared, not called the same
    table = pd.read_csv(tmp_path / "page" / "tables" / "contents.csv").set_index("stage")
    assert list(table.index) == ["sft", "measure/dpo-b0-r0"]
    assert table.loc["measure/dpo-b0-r0", "gold_max_gold_sd"] == pytest.approx(SHIFT)


def units(key, number):
    return lambda stages: stages["units"].update(key=key, metrics={"gold_sd_raw": number})


def test_units_of_other_keys_that_differ_are_refused_with_both_numbers(pair, tmp_path):
    edit(pair[1], units("e" * 24, 1.625))
    with pytest.raises(ConfigError, match=r"1 sd of gold is 1\.625 raw units in other and 1\.5 in one.*force=true"):
        reports.compare(pair, tmp_path / "page")
    page = reports.compare(pair, tmp_path / "page", force=True).read_text(encoding="utf-8")
    assert "1 sd of gold is 1.625 raw units in other and 1.5 in one" in page


def test_units_of_other_keys_and_one_number_are_compared(pair, tmp_path):
    edit(pair[1], units("e" * 24, 1.5))
    assert reports.compare(pair, tmp_path / "page").exists()


def test_units_that_machines_make_differ_are_said_with_both_numbers(pair, tmp_path):
    one, other = pair
    edit(other, lambda stages: stages["units"]["metrics"].update(gold_sd_raw=1.50001))
    edit(other, lambda stages: stages["reference"]["metrics"].update(gold_sd_raw=1.4))
    edit(one, lambda stages: stages["reference"]["metrics"].update(gold_sd_raw=1.3))
    warned = []
    page = reports.compare(pair, tmp_path / "page", warn=warned.append).read_text(encoding="utf-8")
    assert warned[0] == "1 sd of gold is 1.50001 raw units in other and 1.5 in one"
    assert "another pool" in warned[1]
    assert "1.4) than in one (1.3)" in warned[1]
    assert "1 sd of gold is 1.50001 raw units in other and 1.5 in one" in page


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A tiny suite made by two CPUs: torch's own kernels, and those of a CPU without vector instructions."""
    root = tmp_path_factory.mktemp("machines")
    path = os.pathsep.join([str(ROOT / "tests" / "toys"), str(ROOT), *filter(None, sys.path)])
    environment = {name: value for name, value in os.environ.items() if name != "ATEN_CPU_CAPABILITY"}
    for name, own in (("one", {}), ("other", {"ATEN_CPU_CAPABILITY": "default"})):
        command = [sys.executable, toy_machine.__file__, str(root / name)]
        done = subprocess.run(command, env={**environment, "PYTHONPATH": path, **own}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        (root / name / "run").rename(root / f"run_{name}")
    return root / "run_one", root / "run_other"


def test_two_cpus_make_other_bytes_under_equal_keys_and_the_comparison_says_so(made, tmp_path):
    one, other = map(load, made)
    assert {n: m["key"] for n, m in one.stages.items()} == {n: m["key"] for n, m in other.stages.items()}
    warned = []
    page = reports.compare(made, tmp_path / "page", warn=warned.append)
    assert "under equal keys" in warned[-1]
    assert f"cpu_capability: {one.run['machines'][0]['cpu_capability']} and DEFAULT" in warned[-1]
    assert "environment.ATEN_CPU_CAPABILITY: unset and default" in warned[-1]
    assert "the same cells in both runs" not in page.read_text(encoding="utf-8")
    table = pd.read_csv(page.parent / "tables" / "contents.csv").set_index("stage")
    assert {"sft", "bon/bon-policy_sized-r0", "measure/dpo-policy_sized-b0.1-r0"} <= set(table.index)
    # The toy's gold is its rubric, which rounding leaves alone where no text changes; a KL is a sum of log-probs.
    assert table.loc["measure/dpo-policy_sized-b0.1-r0", "kl_max_nats"] > 0
    assert sum(machine["stages"] for machine in other.run["machines"]) == len(other.stages)


def test_the_page_of_a_run_names_the_machines_that_made_it(pair):
    one = pair[0]
    run = json.loads((one / "run.json").read_text())
    made = [AVX2 | {"stages": 11}, AVX512 | {"stages": 1}]
    (one / "run.json").write_text(json.dumps(run | {"machines": made}))
    page = reports.build(one).read_text(encoding="utf-8")
    assert "Made by 2 machines: AVX2, threads 1, 11 stages; AVX512, threads 1, 1 stages." in page
