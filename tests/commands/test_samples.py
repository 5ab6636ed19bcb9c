import io
import re
import shutil

import pytest
import toy_finished as toy
from rich.console import Console

from bench.cli import main
from bench.commands.samples import SamplesOptions, show_samples
from bench.core.records import read_parquet


def printed(run, width=400, **options):
    console = Console(width=width, file=io.StringIO())
    show_samples(str(run.out), SamplesOptions(**options), console)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def samples(toy_finished):
    table = read_parquet(toy_finished.out / "samples.parquet")
    return table[table["split"] == "report"].assign(gap=table["proxy"] - table["gold"], length=table["n_tokens"])


def last(toy_finished, cell):
    rows = read_parquet(toy_finished.out / "rows.parquet")
    return rows[rows["cell"] == cell]["row_id"].iloc[-1]


@pytest.mark.parametrize("sort", ["gap", "gold", "proxy", "length"])
def test_the_largest_come_first_each_beside_pi_refs_text_of_the_same_prompt(toy_finished, samples, sort):
    row_id = last(toy_finished, toy.PPO)
    own = samples[samples["row_id"] == row_id]
    out = printed(toy_finished, cell=toy.PPO, sort=sort, n=4)
    assert out.startswith(row_id)
    assert f"4 of {len(own)} texts, largest {sort} first" in out
    want = own.sort_values(sort, ascending=False, kind="stable").head(4)
    start = samples[samples["row_id"] == f"{toy.PPO}@0"]
    blocks = re.split(r"\n(?=\w+ note to )", out)[1:]
    for block, (_, sample) in zip(blocks, want.iterrows(), strict=True):
        assert block.startswith(sample["prompt"])
        assert sample["response"] in block
        for name in ("gold", "proxy", "rubric", "gap"):
            assert f"{name} {sample[name]:+.2f}" in block
        assert any(text in block for text in start[start["prompt_id"] == sample["prompt_id"]]["response"])


def test_texts_stand_side_by_side_on_wide_terminals_and_below_each_other_on_narrow_ones(toy_finished):
    wide, narrow = (printed(toy_finished, width=width, cell=toy.DPO, n=1).splitlines() for width in (160, 70))
    assert any("pi_ref" in line and "dpo" in line for line in wide[1:])
    assert not any("pi_ref" in line and "dpo" in line for line in narrow[1:])
    assert max(map(len, narrow)) <= 70


def test_a_budget_asks_for_the_policy_nearest_to_it(toy_finished):
    rows = read_parquet(toy_finished.out / "rows.parquet")
    kls = rows[rows["cell"] == toy.PPO].set_index("row_id")["kl"]
    middle = kls.index[2]
    assert printed(toy_finished, cell=toy.PPO, budget=float(kls[middle]) * 1.001, n=1).startswith(middle)
    assert printed(toy_finished, row=f"{toy.DPO}@0", n=1).startswith(f"{toy.DPO}@0")


def test_best_of_n_has_its_best_of_one_beside_it(toy_finished, samples):
    out = printed(toy_finished, row=f"{toy.BON}@n4", n=99)
    for row_id in (f"{toy.BON}@n4", f"{toy.BON}@n1"):
        assert all(text in out for text in samples[samples["row_id"] == row_id]["response"])


def test_without_a_cell_the_first_trained_one_is_shown(toy_finished, capsys):
    assert main(["samples", str(toy_finished.out), "n=1"]) == 0
    assert capsys.readouterr().out.startswith(last(toy_finished, toy.PPO))


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["cell=ppo-policy_size-b0.01-r0"], f"did you mean '{toy.PPO}'"),
        (["row=ppo-policy_sized-b0.01-r0@1000"], "unknown row "),
        (["sort=gpa"], "choose from gap, gold, proxy, length; did you mean 'gap'"),
        (["buget=2"], "did you mean 'budget'"),
        (["budget=-1"], "budget"),
        (["n=0"], "n: invalid value 0"),
        ([f"row={toy.PPO}@0", f"cell={toy.PPO}"], "leave out cell= and budget="),
        (["-n5"], "unknown option '-n5'"),
        (["n=[1"], "as key=value"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(toy_finished, words, part, capsys):
    assert main(["samples", str(toy_finished.out), *words]) == 2
    err = capsys.readouterr().err
    assert part in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("command", "file"), [("samples", "samples"), ("samples", "rows"), ("report", "samples")])
def test_a_damaged_table_is_one_line_and_exit_2(toy_finished, tmp_path, capsys, command, file):
    run = tmp_path / "run"
    shutil.copytree(toy_finished.out, run)
    table = run / f"{file}.parquet"
    content = table.read_bytes()
    table.write_bytes(content[: len(content) // 2])
    assert main([command, str(run)]) == 2
    message = capsys.readouterr().err
    assert f"{table} is damaged" in message
    assert message.count("\n") == 1
