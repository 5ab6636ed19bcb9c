"""Whatever is typed: it is planned, or refused in one line; and no name leads out of its folder or its page's text."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.cli import main
from bench.config.compose import compose
from bench.config.suite import SuiteConfig
from bench.errors import ConfigError
from bench.pipeline.plan import build_plan

KEYS = [
    *("name", "title", "replicates", "methods", "budgets", "claims", "world.seed", "world.slots", "sft.model.width"),
    *("method.dpo.beta", "method.dpo.f", "method.ppo.type", "gold.type", "proxies", "method", "evaluation.save"),
    *("workers", "store", "out", "device", "wandb", "nothing", "method.dpo", "proxies.policy_sized.model", "pool"),
    *("scale", "scales", "losses", "losses.mine", "plugin"),
]
VALUES = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.floats().map(str),
    st.text(max_size=30),
    st.sampled_from(
        ["null", "true", "[]", "{}", "[1,2]", "{a:1}", "[[[]]]", "${name}", "${oc.env:HOME}", "nan", "???"]
    ),
    st.sampled_from(["../../x", "a\nb", "'\"", "😀", "<script>", "-1", "1e999", "[null]", "{type: ppo}", "\x00", "~"]),
)
WORDS = st.one_of(
    st.builds(
        str.__add__, st.sampled_from(["", "+", "++", "~"]), st.builds("{}={}".format, st.sampled_from(KEYS), VALUES)
    ),
    st.text(max_size=40),
    st.builds("suite={}".format, VALUES),
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
NAMES = [*SuiteConfig.model_fields, "type", "model", "dpo", "beta", "proxy", "n", "steps", "kind", "policy_sized"]
NAMES += ["scales", "f", "plugin"]
FIELDS = st.sampled_from(NAMES) | st.text(max_size=5)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
FUZZ = settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def _plans_or_says_why(words):
    try:
        suite, runtime = compose(words)
        cells = build_plan(suite, runtime.threads).cells.values()
    except ConfigError:
        return
    for cell in cells:
        assert "/" not in cell.name
        assert cell.name not in (".", "..")


@FUZZ
@given(st.lists(WORDS, max_size=3))
def test_fuzzed_words_are_planned_or_refused(words):
    _plans_or_says_why(["smoke", *words])


@FUZZ
@given(st.dictionaries(FIELDS, TREES, max_size=4))
def test_fuzzed_files_are_planned_or_refused(tmp_path_factory, tree):
    path = tmp_path_factory.mktemp("fuzz") / "suite.json"
    path.write_text(json.dumps(tree))
    _plans_or_says_why([str(path)])


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "\x00",
        "a: &a [*a]",
        "&a {b: *a}",
        "!!python/object/apply:os.system [echo]",
        "? [a]\n: 1",
        "1: 2",
        "\ufeffname: x",
    ],
)
def test_odd_files_are_planned_or_refused(tmp_path, text):
    (tmp_path / "suite.yaml").write_text(text)
    _plans_or_says_why([str(tmp_path / "suite.yaml")])


def test_the_environment_stays_out_of_configs(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "secret")
    with pytest.raises(ConfigError, match=r"oc\.env"):
        compose(["smoke", "title=${oc.env:TOKEN}"])
    (tmp_path / "suite.yaml").write_text("title: ${oc.env:TOKEN}")
    with pytest.raises(ConfigError, match=r"oc\.env"):
        compose([str(tmp_path / "suite.yaml")])


def test_two_cells_of_one_name_are_refused_not_merged(tmp_path):
    alike = {"method": {"dpo": {"beta": [0.1, 0.10000001]}}, "methods": ["dpo"]}
    one = {"type": "preference", "beta": [0.1]}
    joined = {
        "method": {"a": {**one, "proxy": ["b-c"]}, "a-b": {**one, "proxy": ["c"]}},
        "methods": ["a", "a-b"],
        "proxies": {"c": {}, "b-c": {}},
    }
    for suite in (alike, joined):
        (tmp_path / "suite.json").write_text(json.dumps(suite))
        with pytest.raises(ConfigError, match="both be called"):
            build_plan(compose([str(tmp_path / "suite.json")])[0], 1)


HOSTILE = ["../../x", "a/b", "..", ".", "", 'it\'s "quoted"', "two\nlines", "😀", "x" * 10_000, "-x", "a\x00b", " "]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("where", ["name", "method", "proxies"])
def test_a_name_that_is_no_file_name_is_refused_in_one_short_line(tmp_path, capsys, where, name):
    named = {name: {"type": "preference"}} if where == "method" else {name: {}}
    suite = {"name": name} if where == "name" else {where: named}
    if where == "method":
        suite["methods"] = [name]
    (tmp_path / "suite.json").write_text(json.dumps(suite))
    assert main(["plan", str(tmp_path / "suite.json"), f"store={tmp_path / 'store'}"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert len(error) < 1000
    assert where in error or "cannot be read" in error  # YAML ends keys at 1024 characters


@pytest.mark.parametrize(
    "word", ["suite=" + "x" * 10_000, "suite=a\nb", "suite=😀", "title=" + "'" * 9, "x" * 10_000 + "=1"]
)
def test_a_hostile_word_is_one_short_line(capsys, word):
    words = [word] if word.startswith("suite=") else ["smoke", word]
    assert main(["plan", *words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert len(error) < 1000
