"""A whole run whose trained method is named `reference` and whose pi_ref is named `base`: types decide, not names."""

import io

import pytest
import toy_artifacts
import toy_finished
from rich.console import Console

from bench.commands.samples import SamplesOptions, show_samples
from bench.methods.reference import ReferenceMethodConfig
from bench.runs.folder import load_run
from reports.analysis.analysis import Analysis
from reports.draw.style import KIND_COLORS, method_color, method_label
from reports.read.load import load

CELL = "reference-policy_sized-b0.1-r0"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Pi_ref comes first, as `bench samples` must not open with it."""
    method = {
        "base": ReferenceMethodConfig.sweep(evaluations=2),
        "reference": toy_artifacts.SUITE.method["dpo"],
    }
    suite = toy_artifacts.SUITE.model_copy(update={"methods": tuple(method), "method": method})
    return toy_finished.build(tmp_path_factory.mktemp("named"), suite)


def test_rows_carry_the_type(made):
    rows = load_run(made.out).rows
    assert rows.groupby("method")["method_type"].unique().map(list).to_dict() == {
        "base": ["reference"],
        "reference": ["preference"],
    }


def test_the_trained_method_has_its_curve_and_peak(made):
    analysis = Analysis(load(made.out))
    assert [cell.name for cell in analysis.run.trained] == [CELL]
    assert len(analysis.run.trained[0].curve) > 2
    assert set(analysis.peaks) == {CELL}
    kinds = analysis.run.kinds
    assert [method_label(kinds[name]) for name in ("reference", "base")] == ["Reference (DPO)", "π_ref"]
    assert [method_color(kinds[name]) for name in ("reference", "base")] == [
        KIND_COLORS["logistic"],
        KIND_COLORS["reference"],
    ]
    page = (made.out / "report.html").read_text(encoding="utf-8")
    assert "Reference (DPO)" in page


def test_samples_open_with_a_trained_policy(made):
    stream = io.StringIO()
    show_samples(str(made.out), SamplesOptions(), Console(file=stream, width=120))
    assert f"{CELL}@" in stream.getvalue()
