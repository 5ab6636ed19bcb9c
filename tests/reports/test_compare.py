"""Runs on one page: what is refused, what is different, what is the same."""

import json
import shutil

import pandas as pd
import pytest

import reports
from bench.cli import main
from bench.core.records import read_parquet, write_parquet
from bench.errors import ConfigError

LIFT = 0.2


@pytest.fixture(scope="module")
def pair(make_run, tmp_path_factory):
    """A run, and the same with every gold score of DPO higher by LIFT and one config key changed."""
    folder = tmp_path_factory.mktemp("pair")
    one = make_run(folder / "one", samples=2)
    other = folder / "other"
    shutil.copytree(one, other)
    for name in ("rows", "samples"):
        table = read_parquet(other / f"{name}.parquet")
        lifted = table.row_id.str.startswith("dpo")
        table.loc[lifted, "gold"] += LIFT
        write_parquet(table, other / f"{name}.parquet")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "pairs": {"n": 16_384}}))
    return one, other


def differences(page):
    return pd.read_csv(page.parent / "tables" / "differences.csv")


def test_differences_at_matched_kl_are_what_was_put_in(pair, tmp_path):
    table = differences(reports.compare(pair, tmp_path / "out"))
    found = table.dropna(subset=["difference"])
    dpo, ppo = (found[found.cell.str.startswith(method)].difference for method in ("dpo", "ppo"))
    assert len(dpo) > 4
    assert dpo.tolist() == pytest.approx([LIFT] * len(dpo), abs=1e-6)
    assert ppo.tolist() == pytest.approx([0] * len(ppo), abs=1e-6)


def test_the_configuration_is_shown_where_it_differs(pair, tmp_path):
    page = reports.compare(pair, tmp_path / "out")
    table = pd.read_csv(page.parent / "tables" / "config.csv", dtype=str).set_index("key")
    assert table.to_dict("index") == {"pairs.n": {"one": "unset", "other": "16384"}}


@pytest.mark.parametrize("stage", ["world", "sft", "gold"])
def test_another_ground_is_refused_and_told_when_forced(pair, tmp_path, stage):
    one, other = pair
    foreign = tmp_path / "foreign"
    shutil.copytree(other, foreign)
    stages = json.loads((foreign / "stages.json").read_text())
    stages[stage]["key"] = "f" * 24
    (foreign / "stages.json").write_text(json.dumps(stages))
    with pytest.raises(ConfigError, match=r"foreign has another .* than one .*force=true"):
        reports.compare([one, foreign], tmp_path / "out")
    text = reports.compare([one, foreign], tmp_path / "out", force=True).read_text(encoding="utf-8")
    assert 'role="alert"' in text
    assert "foreign has another" in text


def test_a_ground_that_is_not_known_is_refused(pair, tmp_path):
    one, other = pair
    young = tmp_path / "young"
    shutil.copytree(other, young)
    (young / "stages.json").write_text("{}")
    with pytest.raises(ConfigError, match="young has no world yet"):
        reports.compare([one, young], tmp_path / "out")


def test_a_run_is_not_compared_with_itself(pair):
    with pytest.raises(ConfigError, match="given twice"):
        reports.compare([pair[0], pair[0]])


def test_the_command_writes_beside_the_first_run(pair, capsys):
    assert main(["report", *map(str, pair)]) == 0
    page = pair[0].parent / "one+other" / "report.html"
    assert capsys.readouterr().out.strip() == str(page)
    assert page.exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["pfd=true"], "did you mean 'pdf'"),
        (["pdf=perhaps"], "pdf: invalid value 'perhaps'"),
        (["force=true"], "for several runs"),
        ([], ""),
    ],
)
def test_settings_of_report_are_checked(pair, capsys, words, told):
    code = main(["report", str(pair[0]), *words])
    assert code == (2 if told else 0)
    assert told in capsys.readouterr().err
