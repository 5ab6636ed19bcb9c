"""A world whose splits share prompts is refused before anything is trained on them."""

import sys
import types

import pytest

from bench.config.world import Splits
from bench.engine.stage import Context
from bench.errors import ConfigError
from bench.pipeline import world
from bench.worlds.notes.config import NotesConfig
from bench.worlds.notes.world import NotesWorld

SIZES = Splits(sft=6, gold=6, pairs=6, rl=6, select=6, report=6)


class Leaky(NotesConfig):
    """A plug-in's world, whose `report` prompts end with two of the rl prompts; or that repeats a prompt."""

    leak: tuple[str, str] = ("rl", "report")

    def build(self):
        plain, (source, split) = NotesConfig.build(self), self.leak

        class World:
            def draw_prompts(self, name, n):
                own = plain.draw_prompts(name, n)
                return own[:-2] + plain.draw_prompts(source, 2) if name == split else own

            def __getattr__(self, name):
                return getattr(plain, name)

        assert isinstance(plain, NotesWorld)
        return World()


def make(tmp_path, monkeypatch, **settings):
    module = types.ModuleType("leaky_world")
    module.Leaky = Leaky
    monkeypatch.setitem(sys.modules, "leaky_world", module)
    config = Leaky(slots=2, splits=SIZES, **settings).model_dump(mode="json")
    return world.run(Context(config, {}, tmp_path, "cpu", lambda event: None, {"world": "leaky_world:Leaky"}))


@pytest.mark.parametrize("leak", [("rl", "report"), ("gold", "select"), ("sft", "pairs")])
def test_prompts_in_more_than_one_split_are_refused(tmp_path, monkeypatch, leak):
    with pytest.raises(
        ConfigError, match=f"2 prompts are in more than one split, such as '.*' in {leak[0]} and {leak[1]}"
    ):
        make(tmp_path, monkeypatch, leak=leak)
    assert not (tmp_path / "prompts.parquet").exists()


def test_a_repeated_prompt_is_refused(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match=r"2 prompts are repeated in a split, such as '.*' in rl; draw distinct"):
        make(tmp_path, monkeypatch, leak=("rl", "rl"))


def test_disjoint_splits_pass(tmp_path, monkeypatch):
    monkeypatch.setattr(Leaky, "build", NotesConfig.build)
    metrics = make(tmp_path, monkeypatch)
    assert metrics["prompts"] == metrics["distinct_prompts"] == 36
