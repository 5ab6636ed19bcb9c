"""The preference losses that a suite's methods use, checked against the hashes in its configuration.

A suite records the hash of every loss that is not built in: a run is repeated with the same code or not at all.
`compose` calls `settled`.
"""

from pathlib import Path

from bench.config.plugins import FileLoss, LossDefinition, added_losses
from bench.config.registry import BUILT_IN_LOSSES
from bench.config.suite import SuiteConfig
from bench.errors import ConfigError, did_you_mean


def settled(suite: SuiteConfig, plugin: Path | None) -> SuiteConfig:
    """`suite` with the hashes of the losses that its selected methods use and that are not built in.

    Raises ConfigError for an unknown name, for a definition that differs from the recorded one, and for a plugin that
    no method uses.
    """
    added = added_losses(plugin)
    losses: dict[str, str] = {}
    for key, f in used(suite).items():
        if f not in BUILT_IN_LOSSES:
            losses[f] = _hash(key, f, added, suite.losses.get(f))
    from_file = [definition.name for definition in added.values() if isinstance(definition, FileLoss)]
    if from_file and not set(from_file) & set(losses):
        raise ConfigError(
            f"plugin={plugin} defines {', '.join(from_file)}, which no method of this suite uses; "
            f"give method.NAME.f={from_file[0]}"
        )
    return suite.model_copy(update={"losses": losses})


def used(suite: SuiteConfig) -> dict[str, str]:
    """The loss of each selected method that has one, and of each method that those replay, by its key."""
    configs = {f"method.{name}.f": suite.method[name] for name in (*suite.methods, *suite.replayed)}
    return {key: config.margin_loss for key, config in configs.items() if config.margin_loss is not None}


def _hash(key: str, f: str, added: dict[str, LossDefinition], recorded: str | None) -> str:
    if f not in added:
        if recorded:
            raise ConfigError(f"{key}: {f!r} has sha256 {recorded} in the configuration; give its plugin=FILE.py")
        choices = ", ".join([*BUILT_IN_LOSSES, *map(str, added.values())])
        hint = did_you_mean(f, [*BUILT_IN_LOSSES, *added]) or "; give your own by plugin=FILE.py"
        raise ConfigError(f"{key}: unknown loss {f!r}; choose from {choices}{hint}")
    now = added[f].sha256()
    if recorded not in (None, now):
        raise ConfigError(
            f"{key}: {added[f]} has sha256 {now}, but the configuration has {recorded}; give the plugin=FILE.py of "
            "that run, or run the suite anew"
        )
    return now
