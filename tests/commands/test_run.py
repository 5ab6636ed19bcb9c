import json
import subprocess
import sys

import pytest
from toy_plan import plan_with_cells
from toy_run import start

from bench.commands.json_lines import json_output
from bench.commands.run import execute
from bench.config.suite import RuntimeConfig
from bench.errors import ConfigError


def _runtime(tmp_path):
    return RuntimeConfig(store=tmp_path / "store", out=tmp_path / "out", workers=1)


@pytest.mark.parametrize(("acts", "code"), [({"good": None}, 0), ({"good": None, "crashing": "crash"}, 1)])
def test_a_run_ends_with_a_report_and_names_the_failed_cells(tmp_path, capsys, acts, code):
    assert execute(plan_with_cells(**acts), _runtime(tmp_path), "bench run toy") == code
    out = capsys.readouterr().out
    assert (tmp_path / "out" / "report.html").is_file()
    assert str(tmp_path / "out" / "report.html") in out
    assert ("cell crashing failed: RuntimeError: the toy cell crashed" in out) == bool(code)


def test_a_stored_divergence_is_reported_again_on_a_second_run(tmp_path, capsys):
    plan = plan_with_cells(diverging="diverge")
    assert execute(plan, _runtime(tmp_path), "") == 1
    capsys.readouterr()
    assert execute(plan, _runtime(tmp_path), "") == 1
    out = capsys.readouterr().out
    assert "made 0 stages" in out
    assert "cell diverging diverged: KL 1e9" in out


def _events(plan, runtime, capsys):
    capsys.readouterr()
    with json_output(True) as emit:
        code = execute(plan, runtime, "bench run toy", emit)
    captured = capsys.readouterr()
    return code, [json.loads(line) for line in captured.out.splitlines()], captured.err


def test_json_events_follow_every_stage_and_end_with_the_exit_code(tmp_path, capsys):
    plan = plan_with_cells(good=None, crashing="crash")
    code, events, err = _events(plan, _runtime(tmp_path), capsys)
    changes = [(e["event"], e["stage"]) for e in events if e["event"] not in ("progress", "end")]
    assert changes == [
        ("start", "shared"),
        ("done", "shared"),
        ("start", "cell/good"),
        ("done", "cell/good"),
        ("start", "cell/crashing"),
        ("failed", "cell/crashing"),
    ]
    keys = {stage.name: stage.key for stage in [plan.stages["shared"], *(c.stage for c in plan.cells.values())]}
    assert all(e["key"] == keys[e["stage"]] for e in events[:-1])
    assert events[-2]["reason"] == "RuntimeError: the toy cell crashed"
    run = tmp_path / "out"
    end = {"event": "end", "state": "failed", "run": str(run), "report": str(run / "report.html"), "exit": 1}
    assert (code, events[-1]) == (1, end)
    assert "cell crashing failed" in err  # text for people
    assert _events(plan_with_cells(good=None), _runtime(tmp_path), capsys)[1] == [{**end, "state": "done", "exit": 0}]


def test_json_ends_with_an_end_event_when_the_run_cannot_go_on(tmp_path, capsys):
    (tmp_path / "store").touch()
    with pytest.raises(ConfigError, match="cannot be written to"), json_output(True) as emit:
        execute(plan_with_cells(good=None), _runtime(tmp_path), "", emit)
    (end,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (end["event"], end["state"], end["exit"], end["report"]) == ("end", "failed", 2, None)
    assert "cannot be written to" in end["reason"]


_CHILD = """
import subprocess, sys
from bench.commands.json_lines import json_output

with json_output(True) as emit:
    print("for people")
    subprocess.run(["echo", "of a child"])
    emit({"event": "end", "kl": float("nan")})
print("after")
"""


def test_child_processes_do_not_write_into_the_json(tmp_path):
    done = subprocess.run([sys.executable, "-c", _CHILD], capture_output=True, text=True, check=True)
    assert done.stdout == '{"event": "end", "kl": null}\nafter\n'
    assert sorted(done.stderr.splitlines()) == ["for people", "of a child"]


def test_without_json_the_words_for_people_stay_on_standard_output(tmp_path):
    code, out, error = start(tmp_path, 2, 0.0).end()
    assert (code, error) == (0, "")
    assert "made 4 stages" in out
