"""The registry of sections: each is shown once, and an installed package adds one."""

import json

import pandas as pd
import pytest

import reports
from bench.errors import ConfigError
from reports.analysis.analysis import Analysis
from reports.page.page import fill
from reports.read.load import load
from reports.sections import plugins
from reports.sections.registry import SECTIONS, sections

MODULE = '''"""How long the responses are."""

import numpy as np

from reports.draw.figure import Figure, Panel, Series
from reports.draw.style import INK
from reports.sections.section import Section


def lengths(analysis):
    cell = analysis.run.trained[0]
    y = cell.rows.length.to_numpy(dtype=float)
    panel = Panel("", "d", "tokens", (Series("", cell.curve.d, y, INK),))
    return Figure("lengths", "Length", "Tokens.", "Length.", (panel,))


SECTION = Section("lengths", "How long are the responses?", (lengths,))
TAKEN = Section("peaks", "Peaks of mine", ())
OTHER = "a text"
'''


def install(site, line):
    """A package under `site` as pip leaves one, with one entry point."""
    metadata = site / "toy_sections-0.1.dist-info"
    metadata.mkdir(parents=True)
    (site / "toy_sections.py").write_text(MODULE)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-sections\nVersion: 0.1\n")
    (metadata / "entry_points.txt").write_text(f"[goldbench.sections]\n{line}\n")
    (metadata / "RECORD").write_text("")


def test_ids_are_unique_and_nothing_is_made_twice():
    assert len({section.id for section in SECTIONS}) == len(SECTIONS)
    makers = [make for section in SECTIONS for make in (*section.items, *section.files)]
    assert len(set(makers)) == len(makers)


def test_a_section_of_an_installed_package_is_on_the_page(make_run, tmp_path, monkeypatch):
    install(tmp_path / "site", "lengths = toy_sections:SECTION")
    monkeypatch.syspath_prepend(tmp_path / "site")
    folder = make_run(tmp_path / "run", betas=(0.0,), samples=1)
    text = reports.build(folder).read_text(encoding="utf-8")
    assert '<section id="lengths">\n  <h2>How long are the responses?</h2>' in text
    assert text.index('<section id="stages">') < text.index('<section id="lengths">')
    assert len(pd.read_csv(folder / "figures" / "lengths.csv")) > 5


def test_a_report_is_stale_once_a_package_adds_a_section(make_run, tmp_path, monkeypatch):
    folder = make_run(tmp_path / "run", betas=(0.0,), samples=1)
    reports.refresh(folder)
    before = json.loads((folder / ".report.json").read_text())
    install(tmp_path / "site", "lengths = toy_sections:SECTION")
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert plugins.origins() == ["lengths toy_sections:SECTION 0.1"]
    reports.refresh(folder)
    assert json.loads((folder / ".report.json").read_text()) != before


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("peaks = toy_sections:TAKEN", "section 'peaks' of toy_sections:TAKEN exists already"),
        ("other = toy_sections:OTHER", "toy_sections:OTHER is not a Section"),
        ("gone = toy_sections:GONE", "section 'gone' cannot be loaded from toy_sections:GONE"),
    ],
)
def test_what_is_no_section_of_its_own_is_refused(tmp_path, monkeypatch, line, message):
    install(tmp_path, line)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=message):
        sections()


def test_a_section_without_items_is_made_and_has_none(make_failed_run, tmp_path):
    made = {m.name: m for m in fill(SECTIONS, Analysis(load(make_failed_run(tmp_path / "run"))))}
    assert made["failed"].items
    assert not made["peaks"].items
    assert list(made) == [section.id for section in SECTIONS]
