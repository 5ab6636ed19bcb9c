import json

from bench.cli import main


def test_ls_names_what_there_is(capsys):
    assert main(["ls"]) == 0
    out = capsys.readouterr().out
    for name in ("smoke", "notes", "rubric", "preference", "runs:"):
        assert name in out


def test_ls_json_has_a_record_for_each_entry(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "runs" / "toy"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"state": "failed", "failures": {"a": {}}, "updated": "today"}))
    assert main(["ls", "--json"]) == 0
    captured = capsys.readouterr()
    records = [json.loads(line) for line in captured.out.splitlines()]
    assert {record["list"] for record in records} == {"suites", "worlds", "golds", "methods", "runs"}
    assert {"list": "suites", "name": "audit", "scales": ["small", "full"]}.items() <= records[0].items()
    assert "logistic" in {record.get("f") for record in records}
    assert records[-1] == {"list": "runs", "run": "runs/toy", "state": "failed", "failed_stages": 1, "updated": "today"}
    assert "suites:" in captured.err
    assert main(["ls", "worlds", "--json"]) == 0
    assert [json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()] == ["notes"]
