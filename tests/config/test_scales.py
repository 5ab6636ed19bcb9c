import json

import pytest

from bench.cli import main
from bench.commands.ls import LISTS
from bench.config.compose import compose
from bench.config.load import scale_names
from bench.errors import ConfigError
from bench.methods.preference import PreferenceConfig

SUITE = """
title: Mine
pairs: {n: 64, held_out: 128}
budgets: [1, 2]
method: {dpo: {lr: 1.0e-4}, other: {type: ppo, steps: 7}}
methods: [dpo]
scales:
  small: {}
  full:
    pairs: {n: 128}
    budgets: [4]
    gold: {type: rubric}
    method: {dpo: {epochs: 9}, other: {type: preference}}
  wide: {replicates: 2}
"""


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "mine.yaml").write_text(SUITE)
    return str(tmp_path / "mine.yaml")


def test_a_scale_lies_over_the_rest_of_its_file_mapping_by_mapping(mine):
    full, _ = compose([mine, "scale=full"])
    assert full.scale == "full"
    assert (full.pairs.n, full.pairs.held_out) == (128, 128)
    assert full.budgets == (4,)  # a list is one value
    assert full.method["dpo"] == PreferenceConfig.sweep(lr=1e-4, epochs=9)
    assert full.gold.type == "rubric"
    assert full.method["other"] == PreferenceConfig.sweep()  # of another type: nothing of PPO's seven steps is left
    assert full.replicates == 1  # another scale's


def test_the_first_scale_is_the_default_and_an_empty_one_changes_nothing(mine, tmp_path):
    assert scale_names(mine) == ["small", "full", "wide"]
    suite, _ = compose([mine])
    assert suite == compose([mine, "scale=small"])[0]
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "mine.yaml").write_text(SUITE.partition("scales:")[0])
    plain, _ = compose([str(tmp_path / "plain" / "mine.yaml")])
    assert plain.scale == ""
    assert suite == plain.model_copy(update={"scale": "small"})


def test_the_command_line_wins_over_the_scale(mine):
    words = [mine, "replicates=5", "scale='wide'", "method.dpo.lr=1e-3"]
    suite, _ = compose(words)
    assert (suite.scale, suite.replicates, suite.method["dpo"].lr) == ("wide", 5, 1e-3)
    assert compose([mine, "scale=wide"])[0].replicates == 2


@pytest.mark.parametrize("scale", ["small", "full", "wide"])
def test_a_resolved_config_repeats_its_scale_and_no_other(mine, tmp_path, scale):
    suite, runtime = compose([mine, f"scale={scale}"])
    path = tmp_path / "config.json"
    path.write_text(json.dumps(suite.model_dump(mode="json")))
    again, there = compose([str(path)])
    assert (again, there.out) == (suite, runtime.out)
    assert compose([str(path), f"scale={scale}"])[0] == suite
    with pytest.raises(ConfigError, match=f"unknown scale 'tiny'; choose from {scale}"):
        compose([str(path), "scale=tiny"])


def test_scales_are_runs_of_their_own(mine):
    outs = {compose([mine, f"scale={scale}"])[1].out for scale in ("small", "full", "wide")}
    assert len(outs) == 3


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["smoke", "scale=full"], ["scale=full", "one size", "leave scale= out"]),
        (["MINE", "scale=ful"], ["unknown scale 'ful'", "choose from small, full, wide", "did you mean 'full'"]),
        (["MINE", "scale="], ["unknown scale ''"]),
        (["MINE", "scale=full", "scale=wide"], ["2 scales (full, wide)"]),
        (["MINE", "+scale=full"], ["'+scale=full'", "scale=NAME"]),
        (["MINE", "~scale"], ["'~scale'", "scale=NAME"]),
        (["MINE", "scale.full=1"], ["'scale.full=1'", "scale=NAME"]),
        (["MINE", "scales.full.replicates=1"], ["'scales.full.replicates'", "did you mean 'scale'"]),
    ],
)
def test_a_mistaken_scale_is_one_line_with_the_valid_choices(mine, words, parts):
    with pytest.raises(ConfigError) as caught:
        compose([mine if word == "MINE" else word for word in words])
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("scales: {}", ["scales: must map names"]),
        ("scales: [small]", ["scales: must map names"]),
        ("scales:", ["scales: must map names"]),
        ("scales: {small: 3}", ["scales.small: invalid value 3"]),
        ("scales: {'../x': {}}", ["invalid name '../x'"]),
        ("scales: {1: {}}", ["invalid name 1"]),
        ("scale: full\nscales: {full: {}}", ["scale: set it on the command line"]),
        ("scales: {full: {scale: big}}", ["scale: set it on the command line"]),
        ("scales: {full: {workers: 2}}", [", scale full: 'workers'", "command line"]),
        ("scales: {full: {pairs: {m: 3}}}", [", scale full: unknown key 'pairs.m'", "under 'pairs' choose from n"]),
        ("scales: {full: {scales: {}}}", [", scale full: unknown key 'scales'"]),
    ],
)
def test_a_mistake_in_a_scale_names_the_file_and_the_scale(tmp_path, text, parts):
    (tmp_path / "odd.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        compose([str(tmp_path / "odd.yaml")])
    assert str(caught.value).startswith(str(tmp_path / "odd.yaml"))
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


def test_an_overlay_may_be_left_empty(tmp_path):
    (tmp_path / "odd.yaml").write_text("scales: {small: , full: {replicates: 2}}")
    assert compose([str(tmp_path / "odd.yaml")])[0].scale == "small"


def test_the_plan_tells_the_scale_and_what_it_costs(mine, tmp_path, capsys):
    assert main(["plan", mine, "scale=wide", "workers=2", f"store={tmp_path / 'store'}"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("suite ")]
    assert line.startswith("suite mine, scale wide: 10 cells, ")  # five betas, two replicates
    assert "on 2 workers" in line


def test_the_list_of_suites_tells_their_scales(mine, monkeypatch):
    monkeypatch.setattr("bench.commands.ls.suite_names", lambda: [mine, "smoke"])
    first, second = (entry.line for entry in LISTS["suites"](None))
    assert first == f"{mine}  Mine  scale=small|full|wide, small by default"
    assert "scale" not in second
