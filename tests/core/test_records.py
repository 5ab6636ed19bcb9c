import hashlib

import pandas as pd
import pyarrow.parquet as pq
import pytest

from bench.core.records import (
    ROW_COLUMNS,
    SAMPLE_COLUMNS,
    SCHEMA_VERSION,
    frame,
    read_parquet,
    read_table,
    write_parquet,
)
from bench.errors import ConfigError

ROWS = [
    {"row_id": "a@0", "n": 4, "gold": 0.5, "rubric_fact": 1.0, "rubric_tone": 2.0},
    {"row_id": "a@9", "kl": float("nan"), "reason": "the loss is nan"},
]


def test_a_frame_has_every_column_of_the_contract_in_order():
    table = frame(ROWS, ROW_COLUMNS)
    parts = [c for c in table.columns if c not in ROW_COLUMNS]
    assert parts == ["rubric_fact", "rubric_tone"]
    assert [c for c in table.columns if c not in parts] == list(ROW_COLUMNS)
    assert list(table.columns).index("rubric_fact") == list(table.columns).index("rubric_se") + 1


def test_what_is_absent_is_null_and_never_zero():
    table = frame(ROWS, ROW_COLUMNS)
    assert table["n"].tolist()[0] == 4
    assert table["n"].isna().tolist() == [False, True]
    assert table["kl"].isna().all()
    assert table["gold"].isna().tolist() == [False, True]
    assert table["win_rate"].isna().all()


def test_types_are_the_schemas_even_for_empty_columns_and_survive_the_disk(tmp_path):
    write_parquet(frame(ROWS, ROW_COLUMNS), tmp_path / "rows.parquet")
    stored = pq.read_schema(tmp_path / "rows.parquet")
    for name, wanted in ROW_COLUMNS.items():
        assert stored.field(name).type in (wanted, "large_string" if str(wanted) == "string" else wanted), name
    back = read_parquet(tmp_path / "rows.parquet")
    pd.testing.assert_frame_equal(back.astype(frame(ROWS, ROW_COLUMNS).dtypes), frame(ROWS, ROW_COLUMNS))
    assert str(back["n"].dtype) == "Int64"  # a missing integer turns none of them into floats


def test_an_unknown_column_is_refused():
    with pytest.raises(KeyError, match="wall_s"):
        frame([{"row_id": "a@0", "wall_s": 3.0}], ROW_COLUMNS)


def test_no_rows_make_an_empty_typed_table():
    table = frame([], SAMPLE_COLUMNS)
    assert len(table) == 0
    assert str(table["eos"].dtype) == "boolean"


def test_equal_tables_give_equal_bytes(tmp_path):
    def digest(name, rows):
        write_parquet(frame(rows, ROW_COLUMNS), tmp_path / name)
        return hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()

    shuffled = [dict(reversed(row.items())) for row in ROWS]
    assert digest("a", ROWS) == digest("b", ROWS) == digest("c", shuffled)
    assert digest("d", [{**ROWS[0], "gold": 0.5000001}, ROWS[1]]) != digest("a", ROWS)


@pytest.mark.parametrize("keep", [0, 3, 0.5, -1])
def test_a_damaged_table_is_one_line_that_names_the_file(tmp_path, keep):
    path = tmp_path / "rows.parquet"
    write_parquet(frame(ROWS, ROW_COLUMNS), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(ConfigError) as caught:
        read_parquet(path)
    assert str(caught.value).startswith(f"{path} is damaged")
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there_stays_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_parquet(tmp_path / "rows.parquet")


def test_a_table_of_another_schema_is_refused_with_the_column_it_lacks(tmp_path):
    path = tmp_path / "rows.parquet"
    write_parquet(frame(ROWS, ROW_COLUMNS).drop(columns="method_type"), path)
    with pytest.raises(
        ConfigError, match=f"has no column method_type, which schema {SCHEMA_VERSION} has; give the run"
    ):
        read_table(path, ROW_COLUMNS)
    write_parquet(frame(ROWS, ROW_COLUMNS), path)
    assert len(read_table(path, ROW_COLUMNS)) == len(ROWS)
