"""What a method is, read from its settings. Colours and labels follow this; names of methods and proxies do not enter.

`run` makes a look for each method; `draw.style` gives it a colour and a label.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.core.names import KNOWN_AS

REFERENCE, BEST_OF_N = "reference", "best_of_n"  # types of methods


@dataclass(frozen=True)
class Look:
    """`kind` is what the method does; `first` is true for the first of its kind; `place` counts the run's methods."""

    name: str
    kind: str
    first: bool = True
    place: int = 0


def looks_of(config: Mapping[str, Any]) -> dict[str, Look]:
    """A look for each method of a run's config, in the order that the suite declares."""
    methods, proxies = config.get("method", {}), config.get("proxies", {})
    declared = [name for name in config.get("methods", ()) if name in methods]
    looks: dict[str, Look] = {}
    for name in [*declared, *(name for name in methods if name not in declared)]:
        kind = kind_of(methods[name], proxies)
        looks[name] = Look(name, kind, all(look.kind != kind for look in looks.values()), len(looks))
    return looks


def kind_of(settings: Mapping[str, Any], proxies: Mapping[str, Mapping[str, Any]]) -> str:
    """What a method with these settings does, such as `ppo`, `ppo_gold`, `logistic`, `online` or `sft_chosen`."""
    kind = str(settings.get("type", ""))
    if kind == "preference":
        return _preference(settings)
    if kind == "sft":
        return f"sft_{settings.get('target', 'chosen')}"
    if kind == "reinforce":
        kind = KNOWN_AS[settings.get("advantage", "plain")]
    roles = {_role(proxy, proxies) for proxy in settings.get("proxy", ())}
    is_control = kind not in (REFERENCE, BEST_OF_N) and len(roles) == 1
    return f"{kind}{roles.pop()}" if is_control else kind


def _preference(settings: Mapping[str, Any]) -> str:
    if settings.get("replay") is not None:
        return "replay" if settings.get("order", "recorded") == "recorded" else "replay_shuffled"
    every = settings.get("refresh_every", "never")
    if every == "never":
        data = settings.get("data")
        return str(settings.get("f", "logistic")) if data in (None, "pi_ref") else f"{data}_data"
    by_gold = settings.get("labelled_by") == "gold" or "gold" in settings.get("proxy", ())
    return ("online" if every == 1 else "iterative") + ("_gold" if by_gold else "")


def _role(proxy: str, proxies: Mapping[str, Mapping[str, Any]]) -> str:
    """`_gold` and `_noise` for the two controls: gold itself, and a proxy of labels without information."""
    if proxy == "gold":
        return "_gold"
    return "_noise" if proxies.get(proxy, {}).get("labels") == "permuted" else ""
