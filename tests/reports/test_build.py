import base64
import gzip
import json
import re
import subprocess
import sys
from urllib.parse import unquote

import pandas as pd
import pytest

import reports
from bench.core.records import ROW_COLUMNS, frame, read_parquet, write_parquet

FEW = {"report": 6, "select": 4}


def page(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


def own(text):
    """The page without the inlined library."""
    return re.sub(r"<script>(?:(?!</script>).){1000000,}</script>", "", text, flags=re.S)


def test_a_finished_run_has_a_page_figures_and_tables(built):
    pngs = sorted(path.stem for path in (built / "figures").glob("*.png"))
    assert pngs == [
        "best_of_n",
        "coefficients",
        "frontier",
        "gold_against_proxy",
        "hero",
        "parts",
        "tokens",
        "training",
    ]
    assert sorted(path.stem for path in (built / "figures").glob("*.csv")) == pngs
    assert {path.stem for path in (built / "tables").glob("*.csv")} == {
        *(
            "peaks",
            "opinions",
            "budgets",
            "matched",
            "fits",
            "gates",
            "proxies",
            "labels",
            "ledger",
            "config",
            "failed",
            "stages",
        )
    }


def test_the_page_asks_no_network_for_anything(built):
    text = own(page(built))
    assert len(text) < 3_000_000
    assert not re.search(r"""\b(?:src|href)=["'](?!data:|#)""", text)
    assert not re.search(r"@import|url\(", text)
    assert "default-src 'none'" in text


def test_text_from_a_run_is_escaped(built):
    text = own(page(built))
    assert "<script>alert" not in text
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in text
    assert "<b>boom</b>" not in text
    assert "&lt;b&gt;boom&lt;/b&gt; &amp; " in text
    assert "&lt;late&gt;" in text


def test_the_figures_json_is_json_that_cannot_close_its_element(built):
    found = re.search(r'id="figures-json">(.*?)</script>', page(built), flags=re.S)
    assert "<" not in found.group(1)
    panels = json.loads(found.group(1))
    assert [len(panels[name]) for name in ("hero", "frontier", "best_of_n")] == [3, 2, 3]


def test_the_findings_and_verdicts_are_the_statistics(built):
    peaks = pd.read_csv(built / "tables" / "peaks.csv").set_index("cell")
    assert peaks.hump["ppo-b0-r0"] == "observed"
    assert peaks.hump["ppo-b0.1-r0"] == "undecided"  # stops short of 16 nats
    assert 'title="conditional on one replicate">hump observed</span>' in page(built)


def test_every_link_leads_to_a_row_or_a_place_of_the_page(built):
    text = own(page(built))
    rows = set(pd.read_parquet(built / "rows.parquet").row_id)
    places = set(re.findall(r'<(?:section|div|figure)[^>]* id="([^"]+)"', text))
    links = re.findall(r'href="#([^"]+)"', text)
    assert len(links) > 50
    for link in links:
        assert unquote(link.removeprefix("row=")) in rows if link.startswith("row=") else link in places


def test_every_dash_in_a_table_says_why(built):
    found = re.findall(r"<td[^>]*>(.*?)</td>", own(page(built)))
    dashes = [cell for cell in found if "–" in cell]  # noqa: RUF001
    assert dashes
    assert [cell for cell in dashes if '<abbr title="' not in cell] == []


def test_every_file_of_the_page_is_the_one_beside_it(built):
    packs = dict(re.findall(r'data-name="((?:figures|tables)/[^"]+)">([^<]+)<', page(built)))
    beside = {f"{p.parent.name}/{p.name}" for p in built.glob("*/*.csv")}
    assert set(packs) == beside
    for name, held in packs.items():
        assert json.loads(gzip.decompress(base64.b64decode(held))) == (built / name).read_text(encoding="utf-8")


def test_a_pdf_of_each_figure_is_drawn_where_asked_and_is_the_same_again(make_run, tmp_path):
    folder = make_run(tmp_path / "run", betas=(0.0,), samples=1)
    rows = read_parquet(folder / "rows.parquet")
    write_parquet(rows[rows.method == "bon"], folder / "rows.parquet")  # the run with the fewest figures
    reports.build(folder, pdf=True)
    drawn = sorted(path.stem for path in (folder / "figures").glob("*.png"))
    pdfs = {path: path.read_bytes() for path in (folder / "figures").glob("*.pdf")}
    assert sorted(path.stem for path in pdfs) == drawn
    assert "hero" in drawn
    assert all(content.startswith(b"%PDF") for content in pdfs.values())
    reports.build(folder, pdf=True)
    assert all(path.read_bytes() == content for path, content in pdfs.items())


def test_every_missing_gate_says_why(built):
    gates = pd.read_csv(built / "tables" / "gates.csv").set_index("name")
    missing = gates[gates.value.isna()]
    assert list(missing.index) == ["Best-of-1024 by gold, gain (sd)"]
    assert missing.reason.notna().all()


def test_the_same_run_gives_the_same_bytes(built):
    before = {path: path.read_bytes() for path in built.rglob("*") if path.is_file()}
    reports.build(built)
    assert all(path.read_bytes() == content for path, content in before.items())


@pytest.mark.parametrize(
    "left", [(), ("config.json", "run.json"), ("rows.parquet",), ("rows.parquet", "samples.parquet")]
)
def test_a_run_under_way_has_a_page(make_run, tmp_path, left):
    whole = make_run(tmp_path / "whole", betas=(0.0,), samples=1, state="running")
    partial = tmp_path / "partial"
    partial.mkdir()
    for name in left:
        (partial / name).write_bytes((whole / name).read_bytes())
    text = page(reports.build(partial).parent)
    assert ("Gold and proxy as optimisation goes on" in text) == ("rows.parquet" in left)


def test_a_run_of_one_row_a_cell_has_a_page(make_run, tmp_path):
    folder = make_run(tmp_path / "run", samples=1)
    rows = pd.read_parquet(folder / "rows.parquet")
    rows.groupby("cell").head(1).to_parquet(folder / "rows.parquet")
    assert "one policy evaluated so far" in page(reports.build(folder).parent)


def test_a_run_of_failed_rows_alone_has_a_page(make_failed_run, tmp_path):
    folder = make_failed_run(tmp_path / "run")
    text = page(reports.build(folder).parent)
    assert "out of memory" in text
    assert "No policy has been evaluated yet" in text
    assert not list((folder / "figures").iterdir())


def test_rows_that_miss_what_a_failed_cell_misses_have_a_page(make_run, tmp_path):
    """Numbers that no row has are left out of the page's sentence, and nothing else is."""
    folder = make_run(tmp_path / "run", betas=(0.0,), samples=1)
    rows = read_parquet(folder / "rows.parquet")
    rows["n_prompts"] = pd.array([None] * len(rows), dtype="Int64")
    write_parquet(rows, folder / "rows.parquet")
    text = page(reports.build(folder).parent)
    assert "report prompts, up to" not in text
    assert "evaluated policies, up to" in text
    rows[["kl", "kl_analytic", "kl_select"]] = float("nan")
    write_parquet(rows, folder / "rows.parquet")
    assert "evaluated policies. 1 cell did not finish" in page(reports.build(folder).parent)


@pytest.mark.parametrize("done", [0, 1, 7, 20])
def test_a_suite_has_a_page_however_many_cells_are_done(make_overopt, tmp_path, done):
    """Finished cells have rows, the next has failed, the rest have none yet."""
    claims = [{"name": "it humps", "kind": "hump", "method": "ppo", "kl": 16}]
    folder = make_overopt(tmp_path / "run", claims=claims, samples=1, state="running", replicates=2, prompts=FEW)
    rows, samples = (read_parquet(folder / f"{name}.parquet") for name in ("rows", "samples"))
    names = list(dict.fromkeys(rows.cell))
    good = rows[rows.cell.isin(names[:done])]
    failed = {"row_id": f"{names[done]}@failed", "cell": names[done], "method": "ppo", "replicate": 0}
    failed |= {"status": "failed", "reason": "it broke", "schema": 1, "suite": "overopt"}
    write_parquet(pd.concat([good, frame([failed], ROW_COLUMNS)]), folder / "rows.parquet")
    write_parquet(samples[samples.row_id.isin(good.row_id)], folder / "samples.parquet")
    text = page(reports.build(folder).parent)
    assert "it broke" in text
    assert "it humps" in text


def test_neither_reports_nor_statistics_import_torch():
    code = "import sys, reports.page.make, bench.stats.verdicts.hump; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_importing_reports_loads_no_plotting():
    code = "import sys, reports; sys.exit(bool({'matplotlib', 'plotly', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
