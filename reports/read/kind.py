"""The kind of a method, read from its settings. Colours and labels follow it; names do not enter.

`run` makes one for each method; `draw.style` gives it a colour and a label.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.core.names import KNOWN_AS

REFERENCE, BEST_OF_N = "reference", "best_of_n"  # types of methods


@dataclass(frozen=True)
class Kind:
    """A method's name, and in the field's words what it does.

    `first` is true for the first method of a run that does this; `place` counts the run's methods.
    """

    method: str
    does: str
    first: bool = True
    place: int = 0


def kinds_of(config: Mapping[str, Any]) -> dict[str, Kind]:
    """The kind of each method of a run's config, in the order that the suite declares."""
    methods, proxies = config.get("method", {}), config.get("proxies", {})
    declared = [name for name in config.get("methods", ()) if name in methods]
    kinds: dict[str, Kind] = {}
    for name in [*declared, *(name for name in methods if name not in declared)]:
        does = kind_name(methods[name], proxies)
        kinds[name] = Kind(name, does, all(kind.does != does for kind in kinds.values()), len(kinds))
    return kinds


def kind_name(settings: Mapping[str, Any], proxies: Mapping[str, Mapping[str, Any]]) -> str:
    """The kind of a method with these settings, such as `ppo`, `ppo_gold`, `logistic`, `online` or `sft_chosen`."""
    name = str(settings.get("type", ""))
    if name == "preference":
        return _preference(settings)
    if name == "sft":
        return f"sft_{settings.get('target', 'chosen')}"
    if name == "reinforce":
        name = KNOWN_AS[settings.get("advantage", "leave_one_out")]
    roles = {_role(proxy, proxies) for proxy in settings.get("proxy", ())}
    is_control = name not in (REFERENCE, BEST_OF_N) and len(roles) == 1
    return f"{name}{roles.pop()}" if is_control else name


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
