import json

from bench.cli import main
from bench.commands.plan import total_seconds
from bench.config.compose import compose
from bench.pipeline.plan import build_plan, plan_stages


def test_plan_lists_cells_and_makes_nothing(tmp_path, capsys):
    assert main(["plan", "smoke", f"store={tmp_path / 'store'}"]) == 0
    out = capsys.readouterr().out
    assert "world" in out
    assert "to make" in out
    assert not (tmp_path / "store").exists()


def test_plan_json_has_a_record_for_each_stage_and_a_summary(tmp_path, capsys):
    assert main(["plan", "smoke", f"store={tmp_path / 'store'}", "--json"]) == 0
    captured = capsys.readouterr()
    *stages, summary = [json.loads(line) for line in captured.out.splitlines()]
    suite, _ = compose(["smoke"])
    every = plan_stages(build_plan(suite, 1))
    assert [(s["event"], s["stage"], s["key"]) for s in stages] == [("stage", s.name, s.key) for s in every]
    assert {s["state"] for s in stages} == {"to make"}
    assert (summary["event"], summary["to_make"], summary["stages"]) == ("summary", len(every), len(every))
    assert summary["work_s"] == sum(s["expected_s"] for s in stages)
    assert "stages to make" in captured.err
    assert not (tmp_path / "store").exists()


def test_the_whole_takes_the_longest_chain_or_all_work_shared():
    suite, _ = compose(["smoke"])
    stages = plan_stages(build_plan(suite, 1))
    seconds = dict.fromkeys((stage.key for stage in stages), 1.0)
    assert total_seconds(stages, seconds, 1) == len(stages)
    assert total_seconds(stages, seconds, 10**6) == max(_depth(stage) for stage in stages)


def _depth(stage):
    return 1 + max(map(_depth, stage.inputs.values()), default=0)
