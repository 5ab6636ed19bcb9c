from pathlib import Path

from toy_plan import toy

from bench.engine.stage import Context, resolve


def test_the_key_follows_config_inputs_and_threads():
    base = toy("a", beta=0.1)
    assert toy("a", beta=0.1).key == base.key
    assert len({base.key, toy("a", beta=0.2).key, toy("a", toy("in"), beta=0.1).key}) == 3


def test_a_changed_input_changes_every_key_above_it():
    def top(seed):
        return toy("c", toy("b", toy("a", seed=seed)))

    assert top(0).key != top(1).key


def test_the_closure_lists_inputs_first_and_each_key_once():
    a = toy("a")
    b, c = toy("b", a), toy("c", a)
    assert [s.name for s in toy("d", b, c).closure()] == ["a", "b", "c", "d"]


def test_fresh_empties_the_work_folder(tmp_path: Path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "old").touch()
    (tmp_path / "old").touch()
    context = Context(config={}, inputs={}, folder=tmp_path, device="cpu", report=lambda event: None)
    assert list(context.fresh().iterdir()) == []


def test_resolve_finds_run():
    assert resolve("toy_stage").__name__ == "run"
