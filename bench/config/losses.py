"""Which preference losses a suite's methods use, and whether each is what its configuration says.

A suite records the hash of every loss that is not built in, so that a run is repeated with the same code or not at all.
`compose` calls `settled`.
"""

from pathlib import Path

from bench.config.plugins import FileLoss, Offer, offers
from bench.config.registry import BUILT_IN_LOSSES
from bench.config.suite import SuiteConfig
from bench.errors import ConfigError, did_you_mean


def settled(suite: SuiteConfig, plugin: Path | None) -> SuiteConfig:
    """`suite` with the hashes of the losses that its selected methods use and that are not built in.

    Raises ConfigError for a name that nobody offers, for a definition that is not the recorded one, and for a plugin
    that nothing uses.
    """
    offered = offers(plugin)
    losses: dict[str, str] = {}
    for key, f in used(suite).items():
        if f not in BUILT_IN_LOSSES:
            losses[f] = _hash(key, f, offered, suite.losses.get(f))
    own = [offer.name for offer in offered.values() if isinstance(offer, FileLoss)]
    if own and not set(own) & set(losses):
        raise ConfigError(
            f"plugin={plugin} offers {', '.join(own)}, which no method of this suite uses; give method.NAME.f={own[0]}"
        )
    return suite.model_copy(update={"losses": losses})


def used(suite: SuiteConfig) -> dict[str, str]:
    """The loss of each selected method that has one, and of each method that those replay, by its key."""
    configs = {f"method.{name}.f": suite.method[name] for name in (*suite.methods, *suite.replayed)}
    return {key: config.margin_loss for key, config in configs.items() if config.margin_loss is not None}


def _hash(key: str, f: str, offered: dict[str, Offer], recorded: str | None) -> str:
    if f not in offered:
        if recorded:
            raise ConfigError(f"{key}: {f!r} is defined by code of sha256 {recorded}; give it by plugin=FILE.py")
        legal = ", ".join([*BUILT_IN_LOSSES, *map(str, offered.values())])
        hint = did_you_mean(f, [*BUILT_IN_LOSSES, *offered]) or "; one of your own comes by plugin=FILE.py"
        raise ConfigError(f"{key}: {f!r} is no loss; legal: {legal}{hint}")
    now = offered[f].sha256()
    if recorded not in (None, now):
        raise ConfigError(
            f"{key}: {offered[f]} has sha256 {now}, and the configuration asks for {recorded}; give plugin=FILE.py as "
            "it was then, or run the suite anew"
        )
    return now
