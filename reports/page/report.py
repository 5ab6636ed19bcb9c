"""The page of one run: the parts around its sections. `make` calls `report_page`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from reports.analysis.analysis import Analysis
from reports.draw.figure import Figure
from reports.draw.labels import nats
from reports.draw.style import method_label
from reports.page.drilldown import LARGEST, RANDOM, drilldown
from reports.page.embed import pack, rows_json
from reports.page.page import Made, Page, flat
from reports.page.sentences import Sentence, sentences
from reports.page.texts import CellTexts, chosen_texts
from reports.read.run import RunData


@dataclass(frozen=True, eq=False)
class Report:
    """The page of one run, and the sentences, texts and provenance around its sections."""

    run: RunData
    findings: Sequence[Sentence]
    texts: Sequence[CellTexts]
    page: Page

    @property
    def state(self) -> str:
        return str(self.run.run.get("state", "unknown"))

    @property
    def drilled(self) -> dict[str, int]:
        """Samples a policy in the drawer, largest gaps and random; empty without samples."""
        return {"largest": LARGEST, "random": RANDOM} if "common" in self.page.packs else {}

    @cached_property
    def summary(self) -> str:
        """One sentence that describes the run."""
        run = self.run
        methods = [method_label(run.kinds[name]) for name in run.methods]
        failed = run.bad.cell.nunique()
        unfinished = f" {failed} cell{'s' if failed > 1 else ''} did not finish." if failed else ""
        if not methods:
            return f"No policy has been evaluated yet.{unfinished}"
        cells = run.trained
        prompts = run.ok.n_prompts.dropna()
        over = f" on {int(prompts.max())} report prompts" if len(prompts) else ""
        reach = max(c.reach for c in cells)
        far = f", up to {nats(reach)} nats from π_ref" if reach else ""
        count = f"{len(run.cells)} cell{'s' if len(run.cells) != 1 else ''}"
        replicates = len({c.replicate for c in cells})
        again = f", up to {replicates} replicates" if replicates > 1 else ", one replicate"
        names = ", ".join(methods[:-1]) + (" and " if len(methods) > 1 else "") + methods[-1]
        what = f"{names}: {count}{again}, {len(run.ok)} evaluated policies{over}"
        return f"{what}{far}.{unfinished}"

    @property
    def provenance(self) -> list[tuple[str, str]]:
        return flat({name: value for name, value in self.run.run.items() if name != "failures"})

    @property
    def config_text(self) -> str:
        return json.dumps(self.run.config, indent=2, ensure_ascii=False)

    @property
    def citation(self) -> str:
        """A BibTeX entry of the software as it was, and of this run."""
        run = self.run.run
        git = run.get("git") or {}
        commit = str(git.get("commit") or "unknown") + (" with changes" if git.get("dirty") else "")
        lines = [
            "@software{goldbench,",
            "  title   = {Goldbench: gold against proxy as a policy leaves its reference},",
            f"  version = {{{run.get('goldbench', 'unknown')}}},",
            f"  year    = {{{str(run.get('updated', ''))[:4] or 'unknown'}}},",
            f"  note    = {{commit {commit}, run {self.run.path.name}, suite {self.run.config.get('name', '')}}}",
            "}",
        ]
        return "\n".join(lines)


def report_page(analysis: Analysis, hero: Figure | None, made: Sequence[Made], files: Mapping[str, str]) -> Report:
    """The page of one run. `files` are the CSV texts that lie beside it, by path."""
    run, texts = analysis.run, chosen_texts(analysis)
    drilled = drilldown(run)
    packs = {name: pack(text) for name, text in files.items()}
    if drilled is not None:
        packs |= {"common": drilled.common, **{f"cell/{cell}": held for cell, held in drilled.cells.items()}}
    page = Page(
        title=str(run.config.get("title") or run.config.get("name") or run.path.name),
        kinds=tuple(run.shown_kinds),
        sections=tuple(section for section in made if section.items),
        rows=rows_json(run),
        packs=packs,
        hero=hero,
        before=(("findings", "Findings and curves"), *((("samples", "What the policies write"),) if texts else ())),
        after=(("provenance", "Provenance, and how to run it again"),),
    )
    return Report(run, sentences(analysis), texts, page)
