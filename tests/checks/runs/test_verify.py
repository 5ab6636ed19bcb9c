"""A clean run passes; each kind of damage is found, in the check that looks for it, and named."""

import shutil

import pytest
import toy_finished as toy

from bench.checks.runs.run import CHECKS, Sample, open_run, run_checks
from bench.cli import main
from bench.engine.files import read_json, write_json

REPORT = "building the report"


def checked(run, *, report=False, **options):
    """What each check found, as `where: what`, by the check's name. The report takes seconds, so only where asked."""
    names = [name for name in CHECKS if report or name != REPORT]
    checks = run_checks(open_run(str(run.out), run.store), Sample(**options), names)
    return {check.name: [f"{f.where}: {f.what}" for f in check.findings] for check in checks}


def only(found, *names):
    """The findings of the named checks; every other check found nothing."""
    assert {name: told for name, told in found.items() if told and name not in names} == {}
    return [line for name in names for line in found[name]]


@pytest.fixture
def run(toy_finished, tmp_path):
    return toy_finished.copy(tmp_path / "copy")


def contents(root):
    return {p.relative_to(root): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_a_clean_run_passes_and_nothing_is_written(toy_finished, capsys):
    before = contents(toy_finished.root)
    assert main(["verify", str(toy_finished.out), "share=1"]) == 0
    out = capsys.readouterr().out
    for part in ("stored stages", "rows from samples", "largest deviation", "nothing is out of place"):
        assert part in out
    assert "MISMATCH" not in out
    assert contents(toy_finished.root) == before


def test_a_clean_run_whose_writers_weigh_the_rubric_passes(tmp_path):
    gold = toy.SUITE.gold.model_copy(update={"weights": {"facts": 0.5, "structure": 3.0, "form": 0.2}})
    weighted = toy.build(tmp_path, toy.SUITE.model_copy(update={"gold": gold}))
    only(checked(weighted, report=True, share=1))
    assert (weighted.out / "tables" / "judge_peaks.csv").exists()


def test_a_flipped_byte_is_named_by_stage_and_file_and_ends_with_1(run, capsys):
    weights = run.stage("gold").parent.parent / "sft" / run.stage("sft").name / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert main(["verify", str(run.out), f"store={run.store}"]) == 1
    out = capsys.readouterr().out
    assert f"MISMATCH sft ({run.stage('sft').name[:8]}) model.safetensors: has changed" in out


def test_files_that_come_or_go_are_named(run):
    (run.stage("world") / "prompts.parquet").unlink()
    (run.stage("pool") / "notes.txt").touch()
    lines = only(checked(run), "stored stages")
    assert any("prompts.parquet: is missing" in line and line.startswith("world (") for line in lines)
    assert any("notes.txt: was added" in line and line.startswith("pool (") for line in lines)
    assert len(lines) == 2


def test_a_stage_gone_from_the_store_is_named(run):
    shutil.rmtree(run.stage(f"measure/{toy.PPO}"))
    lines = only(checked(run), "stored stages", "cells of the run")
    assert lines[0].startswith(f"measure/{toy.PPO} (")
    assert "is not in the store" in lines[0]


def test_a_manifest_that_tells_another_story_is_named(run):
    path = run.stage("pairs/r0") / "manifest.json"
    write_json(path, {**read_json(path), "config": {"seed": 7}})
    lines = only(checked(run), "stored stages")
    assert "'config' is not what the run's stages.json says" in lines[0]


def test_a_cell_deleted_from_the_run_is_named(run):
    stages = read_json(run.out / "stages.json")
    del stages[f"measure/{toy.DPO}"]
    write_json(run.out / "stages.json", stages)
    lines = only(checked(run), "cells of the run")
    assert lines[0] == f"cell {toy.DPO}: is missing: the config asks for it, stages.json has no such stage"


def test_a_cells_folder_deleted_from_the_run_is_named(run):
    shutil.rmtree(run.out / "cells" / toy.DPO)
    lines = only(checked(run), "cells of the run")
    assert f"cells/{toy.DPO}/log.jsonl: is missing from the run folder" in lines


def test_an_edited_row_is_named_by_id_and_column(run):
    def brighten(rows):
        rows.loc[rows["row_id"] == f"{toy.DPO}@0", "gold"] += 1e-12
        return rows

    toy.edit(run.out / "rows.parquet", brighten)
    lines = only(checked(run), "tables of the run")
    assert lines[0].startswith(f"rows.parquet {toy.DPO}@0 gold: is ")


def test_a_table_that_cannot_be_read_is_named_and_stops_no_other_check(run):
    (run.out / "rows.parquet").write_bytes(b"PAR1 no more")
    toy.edit(run.out / "samples.parquet", lambda samples: samples.drop(columns="kl"))
    lines = only(checked(run, report=True), "tables of the run")
    assert lines == ["rows.parquet: cannot be read: ArrowInvalid", "samples.parquet: has lost columns: kl"]


def test_rows_that_come_go_or_change_places_are_named(run):
    toy.edit(run.out / "rows.parquet", lambda rows: rows[rows["row_id"] != f"{toy.BON}@n2"])
    toy.edit(run.out / "bon_pool.parquet", lambda pool: pool.iloc[::-1])
    found = checked(run)
    assert f"rows.parquet {toy.BON}@n2: is missing" in found["tables of the run"]
    assert "bon_pool.parquet: has the cells' rows in another order" in found["tables of the run"]
    assert found["rows from samples"] == found["stored stages"] == []


def respelled(samples):
    samples.loc[9, "response"] = "boss boss boss boss"
    return samples


def test_an_edited_text_is_named_in_the_run_folder(run):
    toy.edit(run.out / "samples.parquet", respelled)
    lines = only(checked(run), "tables of the run")
    assert "response: is 'boss boss boss boss', stored " in lines[0]
    assert lines[0].startswith(f"samples.parquet {toy.PPO}@0 ")


def test_a_text_edited_with_all_hashes_is_found_by_its_score(run):
    name = f"measure/{toy.PPO}"
    toy.edit(run.stage(name) / "samples.parquet", respelled)
    toy.edit(run.out / "samples.parquet", respelled)
    run.forge(name)
    found = checked(run, share=1)
    assert found["stored stages"] == found["tables of the run"] == []
    assert any(line.startswith(f"{toy.PPO}@0 ") and "'boss boss" in line for line in found["scores of samples"])
    assert f"{toy.PPO}@0 distinct2" in " ".join(found["rows from samples"])


@pytest.mark.parametrize(("column", "name"), [("proxy", toy.PPO), ("gold", toy.DPO), ("rubric", toy.BON)])
def test_a_wrong_score_with_all_hashes_is_found(run, column, name):
    def raise_score(samples):
        samples.loc[3, column] += 0.001
        return samples

    stage = f"{'bon' if name == toy.BON else 'measure'}/{name}"
    toy.edit(run.stage(stage) / "samples.parquet", raise_score)
    run.forge(stage)
    found = checked(run, share=1)
    assert len(found["scores of samples"]) == 1
    assert f" {column}: is " in found["scores of samples"][0]
    assert found["stored stages"] == []


def failed(run, reason):
    """The run as it would be, had its DPO cell failed for want of memory; its null row gives `reason`."""
    stages, about = (read_json(run.out / name) for name in ("stages.json", "run.json"))
    del stages[f"measure/{toy.DPO}"]
    about["failures"] = {f"measure/{toy.DPO}": {"status": "failed", "reason": "out of memory"}}
    write_json(run.out / "stages.json", stages)
    write_json(run.out / "run.json", about)

    def fail(rows):
        null = rows["row_id"] == f"{toy.DPO}@0"
        rows.loc[null, ["row_id", "status", "reason"]] = [f"{toy.DPO}@failed", "failed", reason]
        return rows

    toy.edit(run.out / "rows.parquet", fail)


def test_a_failed_cell_is_no_mismatch_and_its_rows_are_left_out(run):
    failed(run, "out of memory")
    only(checked(run))


def test_a_failed_cell_must_say_why(run):
    failed(run, "bad luck")
    lines = only(checked(run), "tables of the run")
    assert lines == [f"rows.parquet {toy.DPO}@failed: does not say why the cell failed: out of memory"]


def test_a_row_that_its_samples_do_not_give_is_found(run):
    def better(rows):
        rows.loc[1, "kl"] += 0.001
        return rows

    for name in (f"measure/{toy.PPO}", f"bon/{toy.BON}", "null/reference-policy_sized-r0"):
        toy.edit(run.stage(name) / "rows.parquet", better)
        run.forge(name)
    lines = checked(run)["rows from samples"]
    assert [line.split(": is ")[0].partition("@")[0] for line in lines] == [
        toy.PPO,
        toy.BON,
        "reference-policy_sized-r0",
    ]
    assert all(" kl: is " in line for line in lines)


def test_a_policy_that_did_not_write_its_texts_is_found(run):
    policies = sorted((run.stage(f"train/{toy.PPO}") / "policies").iterdir(), key=lambda p: int(p.name))
    for folder in policies:
        shutil.copy(run.stage("sft") / "model.safetensors", folder)
        shutil.copy(folder / "model.safetensors", run.out / "cells" / toy.PPO / "policies" / folder.name)
    run.forge(f"train/{toy.PPO}")
    shutil.rmtree(run.stage(f"measure/{toy.DPO}"))  # so that the policy drawn is PPO's
    lines = checked(run)["a policy measured again"]
    assert any(" kl: is " in line and "the stored policy says 0" in line for line in lines)


def test_an_edited_report_table_is_named_by_line_and_column(run):
    table = run.out / "tables" / "peaks.csv"
    table.write_text(table.read_text().replace(toy.DPO, "dpo-best", 1))
    lines = only(checked(run, report=True), "tables of the report")
    assert len(lines) == 1
    assert lines[0].startswith("tables/peaks.csv: line ")
    assert f"is 'dpo-best', made again '{toy.DPO}'" in lines[0]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ([], "no run on the command line"),
        (["a", "b"], "2 runs (a, b) on the command line"),
        (["nowhere"], "is not a run folder"),
        (["RUN", "shrae=.1"], "did you mean 'share'"),
        (["RUN", "share=0"], "share"),
        (["RUN", "store=nowhere"], "the store 'nowhere' of this run does not exist"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(toy_finished, words, part, capsys):
    assert main(["verify", *(str(toy_finished.out) if word == "RUN" else word for word in words)]) == 2
    err = capsys.readouterr().err
    assert part in err
    assert err.count("\n") == 1


def test_a_torn_stages_json_is_one_line_and_exit_2(run, capsys):
    (run.out / "stages.json").write_text("{")
    assert main(["verify", str(run.out)]) == 2
    err = capsys.readouterr().err
    assert "cannot be read" in err
    assert err.count("\n") == 1
