"""A world whose splits share prompts is refused before anything is trained on them."""

import sys
import types

import pytest

from bench.config.world import Splits
from bench.engine.stage import Context
from bench.errors import ConfigError
from bench.pipeline import gold, world
from bench.worlds.base import World
from bench.worlds.notes.config import NotesConfig

SIZES = Splits(sft=6, gold=6, pairs=6, rl=6, select=6, report=6)


class LeakyWorld(World):
    """The plain world, with the last two prompts of `split` taken from `source`."""

    def __init__(self, plain, source, split):
        self.plain, self.source, self.split = plain, source, split

    def draw_prompts(self, split, n):
        drawn = self.plain.draw_prompts(split, n)
        return drawn[:-2] + self.plain.draw_prompts(self.source, 2) if split == self.split else drawn

    def tokenizer(self):
        return self.plain.tokenizer()

    def write(self, prompt, rng):
        return self.plain.write(prompt, rng)

    def wide(self, prompt, k, rng):
        return self.plain.wide(prompt, k, rng)


class Leaky(NotesConfig):
    """A plug-in's world, whose second split of `leak` ends with two prompts of the first."""

    leak: tuple[str, str] = ("rl", "report")

    def build(self):
        return LeakyWorld(NotesConfig.build(self), *self.leak)


LEAKS = Leaky.build


def make(tmp_path, monkeypatch, **settings):
    module = types.ModuleType("leaky_world")
    module.Leaky = Leaky
    monkeypatch.setitem(sys.modules, "leaky_world", module)
    config = Leaky(slots=2, splits=SIZES, **settings).model_dump(mode="json")
    return world.run(Context(config, {}, tmp_path, "cpu", lambda event: None, {"world": "leaky_world:Leaky"}))


@pytest.mark.parametrize("leak", [("rl", "report"), ("gold", "select"), ("sft", "pairs")])
def test_prompts_in_more_than_one_split_are_refused(tmp_path, monkeypatch, leak):
    with pytest.raises(ConfigError, match=f"in more than one split: 2, such as '.*' in {leak[0]} and {leak[1]}; pol"):
        make(tmp_path, monkeypatch, leak=leak)
    assert not (tmp_path / "prompts.parquet").exists()


def test_a_repeated_prompt_is_refused(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match=r"repeated in a split: 2, such as '.*' in rl; draw distinct"):
        make(tmp_path, monkeypatch, leak=("rl", "rl"))


def test_disjoint_splits_pass(tmp_path, monkeypatch):
    monkeypatch.setattr(Leaky, "build", NotesConfig.build)
    metrics = make(tmp_path, monkeypatch)
    assert metrics["prompts"] == metrics["distinct_prompts"] == 36


def test_gold_is_not_trained_on_prompts_of_another_split(tmp_path, monkeypatch):
    """Gold may draw more prompts than the world stage stores; only those leak here."""
    (tmp_path / "world").mkdir()
    (tmp_path / "gold").mkdir()
    monkeypatch.setattr(Leaky, "build", NotesConfig.build)
    make(tmp_path / "world", monkeypatch)
    monkeypatch.setattr(Leaky, "build", LEAKS)
    config = {
        "gold": {"type": "trained", "prompts": 8, "steps": 1},
        "world": Leaky(slots=2, splits=SIZES, leak=("report", "gold")).model_dump(mode="json"),
    }
    parts = {"world": "leaky_world:Leaky", "rubric": NotesConfig.rubric}
    context = Context(config, {"world": tmp_path / "world"}, tmp_path / "gold", "cpu", lambda event: None, parts)
    with pytest.raises(ConfigError, match=r"in more than one split: 2, such as '.*' in gold and report"):
        gold.run(context)
