from pathlib import Path
from typing import ClassVar, Literal

import pytest
from pydantic import Field

from bench.cli import COMMANDS
from bench.commands.options import JsonOptions, help_text, one_place, parse
from bench.commands.run import RunOptions
from bench.config.suite import RuntimeConfig
from bench.errors import ConfigError


class ToyOptions(JsonOptions):
    """Do a toy thing."""

    example: ClassVar[tuple[str, ...]] = ("bench toy n=2",)

    n: int = Field(default=5, ge=1, description="number of things")
    kind: Literal["a", "b"] = Field(default="a", description="which")
    out: Path | None = Field(default=None, description="folder", json_schema_extra={"metavar": "DIR"})
    quick: bool = Field(default=False, description="in a hurry")


def test_words_become_places_settings_and_flags():
    places, options = parse(["x", "n=2", "--json", "kind=b", "y", "out='~/a b'", "quick=true"], ToyOptions)
    assert places == ["x", "y"]
    assert options == ToyOptions(n=2, kind="b", out=Path("~/a b"), quick=True, json_lines=True)
    assert parse([], ToyOptions) == ([], ToyOptions())


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("n=0", "n: invalid value 0"),
        ("m=1", "choose from json_lines, n, kind, out, quick"),
        ("kind=c", "'a' or 'b'"),
        ("n=[1", "cannot parse 'n=[1' as key=value"),
        ("n=1,2", "several values for one key"),
        ("+n=1", "'+n=1' adds or removes a key"),
        ("--jsn", "unknown option '--jsn'"),
        ("-n5", "unknown option '-n5'"),
        ("n.x=1", "unknown key 'n.x'"),
    ],
)
def test_a_mistake_names_the_word_and_the_choices(word, part):
    with pytest.raises(ConfigError) as caught:
        parse([word], ToyOptions)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_place_is_one_place():
    assert one_place(["x"], "toy") == "x"
    for places in ([], ["x", "y"]):
        with pytest.raises(ConfigError, match=r"bench toy RUN \[key=value"):
            one_place(places, "toy")


def test_help_has_usage_summary_settings_with_defaults_and_an_example():
    assert help_text("toy [key=value ...]", ToyOptions) == (
        "bench toy [key=value ...]\n\n"
        "Do a toy thing.\n\n"
        "  --json            one JSON object a line on standard output; text for people goes to standard error\n"
        "  n=N               number of things (default 5)\n"
        "  kind=a|b          which (default a)\n"
        "  out=DIR           folder\n"
        "  quick=true|false  in a hurry (default false)\n\n"
        "Example:\n"
        "  bench toy n=2\n"
    )


def test_the_help_of_run_lists_every_runtime_key():
    text = help_text(COMMANDS["run"].usage, RunOptions)
    for name in RuntimeConfig.model_fields:
        assert f"\n  {name}=" in text
