"""What a method is follows from its settings: under other names every curve, peak, claim and colour is the same."""

import dataclasses

import pytest
from toy_claims import judge

from bench.config.load import load_suite
from reports.analysis.analysis import Analysis
from reports.draw.style import KIND_COLORS, method_color, method_label
from reports.page.drilldown import _reference_rows
from reports.read.kind import Kind, kind_name, kinds_of
from reports.read.load import load

METHODS = {"dpo": "reference", "reference": "base", "ppo": "dpo", "bon": "ppo", "ipo": "ppo_gold", "ppo_gold": "bon"}
PROXIES = {"small": "policy_sized", "policy_sized": "permuted", "permuted": "small"}
"""New names, each of them the usual name of another."""


def renamed(run):
    """The run as its suite would have made it under the other names."""
    rows = run.rows.assign(method=run.rows.method.replace(METHODS))
    proxy, _, replicate = zip(*rows.proxy_id.fillna("").str.rpartition("-").to_numpy(), strict=True)
    rows["proxy_id"] = [
        f"{PROXIES[p]}-{r}" if p in PROXIES else i for p, r, i in zip(proxy, replicate, rows.proxy_id, strict=True)
    ]
    pool = run.pool.assign(proxy_id=run.pool.proxy_id.replace({f"{a}-r0": f"{b}-r0" for a, b in PROXIES.items()}))
    config = dict(run.config)
    config["methods"] = [METHODS.get(name, name) for name in config["methods"]]
    config["method"] = {METHODS.get(name, name): _with_proxies(one) for name, one in config["method"].items()}
    config["proxies"] = {PROXIES[name]: one for name, one in config["proxies"].items()}
    return dataclasses.replace(run, rows=rows, pool=pool, config=config)


def _with_proxies(settings):
    names = {"proxy": [PROXIES.get(p, p) for p in settings["proxy"]]} if "proxy" in settings else {}
    return {**settings, **names}


@pytest.fixture(scope="module")
def run(make_overopt, tmp_path_factory):
    return load(
        make_overopt(tmp_path_factory.mktemp("runs") / "overopt", prompts={"report": 40, "select": 20}, samples=2)
    )


def test_pi_ref_and_trained_methods_are_told_apart_under_any_names(run):
    other = renamed(run)
    for cells in ("trained", "controls", "compared"):
        assert [c.name for c in getattr(other, cells)] == [c.name for c in getattr(run, cells)]
    assert {c.method for c in other.trained} >= {"reference"}
    assert {c.method for c in other.cells} - {c.method for c in other.trained} == {"base"}
    assert _reference_rows(other) == _reference_rows(run)


def test_curves_peaks_and_the_null_are_the_same_under_any_names(run):
    one, other = Analysis(run), Analysis(renamed(run))

    def numbers(analysis):
        """Everything but the cell, which carries its names."""
        return {
            name: repr({k: v for k, v in vars(peak).items() if k != "cell"}) for name, peak in analysis.peaks.items()
        }

    assert numbers(one) == numbers(other)
    assert len(one.peaks) > 10
    assert one.null is not None
    assert one.null == other.null
    assert [c.curve.row_ids for c in one.run.cells] == [c.curve.row_ids for c in other.run.cells]


@pytest.mark.parametrize(
    "claim",
    [
        {"kind": "hump", "method": "dpo", "kl": 16},
        {"kind": "turn", "method": "ipo", "kl": 16},
        {"kind": "no_fall", "method": "ppo_gold", "kl": 16},
        {"kind": "hump", "method": "ppo", "beta": 0, "proxy": "policy_sized", "kl": 16},
    ],
)
def test_claims_are_the_same_under_any_names(run, claim):
    there = {**claim, "method": METHODS[claim["method"]]}
    if "proxy" in claim:
        there["proxy"] = PROXIES[claim["proxy"]]
    here, other = judge(run, claim), judge(renamed(run), there)
    assert here.tests == other.tests
    assert here.decision.verdict == other.decision.verdict


def test_colours_are_by_content_and_labels_say_what_a_misleading_name_is(run):
    there = renamed(run).kinds
    for name, kind in run.kinds.items():
        assert method_color(kind) == method_color(there[METHODS.get(name, name)])
    assert [method_label(there[name]) for name in ("reference", "base", "dpo", "ppo")] == [
        "Reference (DPO)",
        "π_ref",
        "DPO (PPO)",
        "PPO (Best-of-n)",
    ]


@pytest.mark.parametrize("suite", ["overopt", "gpo", "online_offline", "audit", "smoke"])
def test_the_methods_of_every_suite_have_a_colour_of_their_kind_and_no_two_the_same(suite):
    config = load_suite(suite).model_dump(mode="json")
    kinds = [kind for name, kind in kinds_of(config).items() if name in config["methods"]]
    assert {kind.does for kind in kinds} <= set(KIND_COLORS)
    assert len({method_color(kind).light for kind in kinds}) == len(kinds)
    assert all("(" not in method_label(kind) or kind.method in ("logistic", "squared", "hinge") for kind in kinds)


def test_methods_of_one_kind_have_different_colours_whatever_they_are_called():
    alike = [{"type": "preference", "f": "logistic"}] * 3

    def colours(names):
        kinds = kinds_of({"methods": names, "method": dict(zip(names, alike, strict=True))})
        return [method_color(kinds[name]) for name in names]

    assert len(set(colours(["a", "b", "c"]))) == 3
    assert colours(["a", "b", "c"]) == colours(["reference", "ppo", "bon"])


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"type": "reference", "proxy": ["gold"]}, "reference"),
        ({"type": "ppo", "proxy": ["gold"]}, "ppo_gold"),
        ({"type": "ppo", "proxy": ["coin"]}, "ppo_noise"),
        ({"type": "ppo", "proxy": ["gold", "fair"]}, "ppo"),
        ({"type": "reinforce", "advantage": "leave_one_out", "proxy": ["coin"]}, "rloo_noise"),
        ({"type": "preference", "f": "hinge", "proxy": ["gold"]}, "hinge"),
        ({"type": "preference", "refresh_every": 1, "proxy": ["gold"]}, "online_gold"),
        ({"type": "preference", "refresh_every": 4, "proxy": ["fair"]}, "iterative"),
        ({"type": "preference", "replay": "x", "order": "shuffled"}, "replay_shuffled"),
        ({"type": "preference", "data": "mixture"}, "mixture_data"),
        ({"type": "sft", "target": "best_of_2"}, "sft_best_of_2"),
        ({"type": "of_a_plugin"}, "of_a_plugin"),
    ],
)
def test_the_kind_of_a_method_is_read_from_its_settings(settings, kind):
    assert kind_name(settings, {"coin": {"labels": "permuted"}, "fair": {}}) == kind


def test_a_second_measurement_of_pi_ref_is_named():
    assert method_label(Kind("again", "reference", first=False, place=1)) == "π_ref (Again)"
