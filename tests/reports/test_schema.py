"""The data dictionary: equal to its page, and true of every table that a run, its store and its reports hold."""

import inspect

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import toy_finished

from bench.core.records import ROW_COLUMNS, SCHEMA_VERSION, frame, read_parquet
from bench.core.schema import RUN_TABLES, STAGE_TABLES
from bench.engine.scheduler import Failure
from bench.pipeline.plan import build_plan
from bench.runs.folder import _null_row
from reports.analysis.analysis import Analysis
from reports.draw.table import Table
from reports.page.comparison import differences, what_runs_are
from reports.page.contents import contents
from reports.page.overlay import Named
from reports.read.load import load
from reports.schema import PAGE, TABLES, schema_page
from reports.sections.registry import SECTIONS

PART = "rubric_<part>", "rubric_raw_<part>"
CLAIM = {"name": "a hump", "kind": "hump", "method": "ppo", "beta": 0, "proxy": "policy_sized", "kl": 16}


def test_the_page_is_made_from_the_schema():
    assert PAGE.read_text(encoding="utf-8") == schema_page(), "run `python -m reports.schema`"


def of(columns, name):
    """What the dictionary says of a column; a part of the rubric is `<part>`."""
    part = next((p for p in reversed(PART) if name.startswith(p.removesuffix("<part>"))), "")
    return columns.get(name) or columns.get(part)


def assert_true_of(columns, path):
    """Every column is listed with its type, every listed one is there, and one that is never null is not."""
    schema, table = pq.read_schema(path), read_parquet(path)
    listed = [name for name in columns if name not in PART]
    assert set(listed) <= set(schema.names), path
    for field in schema:
        about = of(columns, field.name)
        assert about is not None, f"{path}: {field.name} is not in the dictionary"
        assert field.type in (about.type, pa.large_string() if about.type == pa.string() else about.type), field
        if not about.null:
            assert table[field.name].notna().all(), f"{path}: {field.name} has a null"


@pytest.mark.parametrize("name", RUN_TABLES)
def test_it_is_true_of_a_runs_tables(toy_finished, name):
    assert_true_of(RUN_TABLES[name], toy_finished.out / name)
    assert len(read_parquet(toy_finished.out / name)) > 3


def test_every_parquet_file_of_a_run_is_in_it(toy_finished):
    assert {path.name for path in toy_finished.out.rglob("*.parquet")} == set(RUN_TABLES)
    kinds = {f"{path.parents[1].name}/{path.name}" for path in toy_finished.store.rglob("*.parquet")}
    made_of_rows = {f"{kind}/{name}" for kind in ("measure", "null", "bon") for name in RUN_TABLES}
    assert kinds - made_of_rows <= set(STAGE_TABLES)
    for path in toy_finished.store.rglob("*.parquet"):
        if (name := f"{path.parents[1].name}/{path.name}") in STAGE_TABLES:
            assert_true_of(STAGE_TABLES[name], path)
    assert set(STAGE_TABLES) - kinds == {"train/pairs.parquet"}  # of a method whose pairs another one replays


def test_what_is_never_null_is_not_in_a_failed_cells_row():
    plan = build_plan(toy_finished.SUITE, 1)
    rows = [_null_row(cell, Failure(cell.stage.name, "failed", "out of memory")) for cell in plan.cells.values()]
    table = frame(rows, ROW_COLUMNS).assign(schema=SCHEMA_VERSION, suite="toy")
    never = [name for name, column in RUN_TABLES["rows.parquet"].items() if not column.null]
    assert table[never].notna().all().all()
    assert {"method_type", "row_id", "status"} <= set(never)


def test_null_where_it_says_so(toy_finished):
    rows = read_parquet(toy_finished.out / "rows.parquet")
    best_of_n, pi_ref = rows["method_type"] == "best_of_n", rows["method_type"] == "reference"
    for name, column in RUN_TABLES["rows.parquet"].items():
        if name in PART:
            continue
        if column.null == "all but best-of-n":
            assert (rows[name].isna() == ~best_of_n).all(), name
        if column.null.startswith("best-of-n, pi_ref"):
            assert (rows[name].isna() == (best_of_n | pi_ref)).all(), name
        if column.null.startswith("best-of-n;"):
            assert (rows[name].isna() == best_of_n).all(), name


def test_every_text_of_the_pool_is_found_by_its_id(toy_finished):
    pool, texts = (read_parquet(toy_finished.out / name) for name in ("bon_pool.parquet", "pool_texts.parquet"))
    assert texts["text_id"].is_unique
    both = pool.merge(
        texts, on="text_id", how="left", suffixes=("", "_of_text"), validate="many_to_one", indicator=True
    )
    assert (both["_merge"] == "both").all()
    assert (both["prompt_id"] == both["prompt_id_of_text"]).all()
    assert (both["split"] == both["split_of_text"]).all()
    assert (both["n_tokens"] == both["response"].str.split().str.len() + both["eos"].astype(int)).all()
    samples = read_parquet(toy_finished.out / "samples.parquet")
    picked = samples[samples["row_id"].str.startswith("bon-")]
    assert set(zip(picked["prompt_id"], picked["response"], strict=True)) <= set(
        zip(texts["prompt_id"], texts["response"], strict=True)
    )


@pytest.fixture(scope="module")
def csvs(built, make_overopt, preference_run, make_failed_run, tmp_path_factory):
    """The CSV tables of several synthetic runs, by name."""
    root = tmp_path_factory.mktemp("runs")
    claimed = make_overopt(root / "overopt", prompts={"report": 24, "select": 12}, claims=(CLAIM,))
    runs = [load(folder) for folder in (built, claimed, preference_run, make_failed_run(root / "failed"))]
    made = [item for section in SECTIONS for item in (*section.items, *section.files)]
    tables = [item for item in made if inspect.signature(item).return_annotation is Table]
    found = [table(Analysis(run)) for run in runs for table in tables]
    named = [Named("one", runs[0], "solid"), Named("other", runs[1], "dash")]
    return [*found, differences(named), contents(named), what_runs_are(named)]


def test_every_column_of_every_csv_is_in_it(csvs):
    named = {"config": ("suite ", "suite <name>"), "runs": ("o", "<run>")}
    seen = {}
    for table in csvs:
        listed = TABLES[table.name]
        for column in map(str, table.data.columns):
            start, generic = named.get(table.name, ("\0", ""))
            column = generic if column not in listed and column.startswith(start) else column
            assert column in listed, f"{table.name}.csv: {column} is not in reports/columns"
            seen.setdefault(table.name, set()).add(column)
    judged = {"judge_peaks", "disagreement"}  # of runs with weighted writers; tests/reports/test_judges.py
    judged |= {"win_rates"}  # of runs whose rows have win rates; tests/reports/test_opinions.py
    assert set(TABLES) - set(seen) <= judged
    for name, columns in seen.items():
        assert name in judged or columns == set(TABLES[name]), name
