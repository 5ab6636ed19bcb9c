from reports.analysis.analysis import Analysis
from reports.page.texts import chosen_texts
from reports.read.load import load


def test_the_same_prompts_are_shown_at_every_kl_by_the_median_gap(built):
    run = load(built)
    groups = chosen_texts(Analysis(run))
    ppo = groups[0]
    assert (ppo.cell.method, ppo.cell.beta) == ("ppo", 0.0)
    wheres = [[text.where.split(" · ")[0] for text in item.texts] for item in ppo.prompts]
    assert wheres[0] == ["π_ref", "low KL", "peak", "high KL"]
    assert wheres[0] == wheres[1]
    last = ppo.cell.curve.row_ids[-1]
    rows = run.samples[(run.samples.row_id == last) & (run.samples.split == "report")]
    gaps = (rows.proxy - rows.gold).groupby(rows.prompt).mean()
    nearest = (gaps - gaps.median()).abs().nsmallest(2).index
    assert {item.prompt for item in ppo.prompts} == set(nearest)
